"""Generated numbers, durations, strings and regular expressions, as queries whose answers hang on how they are read and printed."""
import json, re

PIECES = [
    "a", "b", "ab", ".", ".*", ".+", "a*", "b+", "a?", "[ab]", "[^a]", "[a-c]", "[\\w-,]", "[[a]", "[[:alpha:]]", "[a&&b]", "[a--b]", "\\d", "\\D", "\\w", "\\W",
    "\\s", "\\b", "\\B", "\\pL", "\\p{Greek}", "\\Qa.b\\E", "\\123", "\\x41", "\\x{e9}", "\\.", "\\<", "\\z", "\\A", "^", "$", "(a|b)", "(?:ab)", "(?P<n>a)",
    "(?<n>a)", "(?i)A", "(?i:A)", "(?s:.)", "(?m)^", "(?U)a+", "(?x)a", "a{2}", "a{2,}", "a{1,3}", "a{gid}", "a{,3}", "{", "}", "a**", "x{2}{3}", "a{1001}", "|", "||",
    "(", ")", "[", "]", "*", "+", "?", "\\", "\\C", "\\n", "\u00e9", "\u212a", "k", "K",
]
SUBJECTS = ["", "a", "b", "ab", "aab", "abab", "A", "aaa", "a.b", "a{gid}", "a{,3}", "{", "S", "1", "\u0664", "_", "-", ",", "&", "\n", "a\nb", "\u00e9", "k", "K", "\u212a", "<", "[a"]


def number(random):
    kind = random.randrange(8)
    if kind == 0:
        return str(random.randrange(10 ** random.randrange(1, 25)))
    if kind == 1:
        return f"{random.uniform(-1, 1) * 10 ** random.randrange(-12, 24)!r}"
    if kind == 2:
        return f"{random.randrange(1000)}{random.choice(['.', ''])}{random.randrange(1000)}e{random.choice(['', '+', '-'])}{random.randrange(330)}"
    if kind == 3:
        return random.choice(["0x", "0X"]) + "".join(random.choice("0123456789abcdefABCDEF_") for _ in range(random.randrange(1, 18)))
    if kind == 4:
        return "".join(random.choice("0123456789_.e") for _ in range(random.randrange(1, 9)))
    if kind == 5:
        return random.choice(["Inf", "-inf", "+INF", "nan", "NaN", "1e400", "-1e400", "1e-400", "4.9e-324", "2.4e-324", "0755", "08", ".5", "5.", "0x1p3", "1_0", "1__0"])
    if kind == 6:
        return random.choice(["-", "+", "--", ""]) + str(random.random())
    return duration(random)


def duration(random):
    units = ["y", "w", "d", "h", "m", "s", "ms"]
    chosen = sorted(random.sample(range(7), random.randrange(1, 5)))
    if random.random() < 0.05:
        chosen.reverse()
    return "".join(f"{random.randrange([9, 60, 400, 100, 200, 100000, 100000][u])}{units[u]}" for u in chosen)


def string(random):
    escapes = ["\\n", "\\t", "\\\\", "\\x41", "\\u00e9", "\\U0001F600", "\\101", "\\xff", "\\'", '\\"', "\\q", "\\u12", "a", "\u00e9", " ", "{", "\\ud800", "\\400", "<"]
    quote = random.choice(['"', "'", "`"])
    return quote + "".join(random.choice(escapes) for _ in range(random.randrange(5))) + quote


def regex(random):
    pieces = [random.choice(PIECES) for _ in range(random.randrange(1, 5))]
    # label_replace glues its anchors on before it looks whether parentheses match; we do not.
    bare = lambda n: re.sub(r"\\.", "", "".join(pieces[:n]))
    while any(bare(n).count(")") > bare(n).count("(") for n in range(1, len(pieces) + 1)):
        pieces = [random.choice(PIECES) for _ in range(random.randrange(1, 5))]
    pattern = "".join(pieces)
    subject = json.dumps(random.choice(SUBJECTS), ensure_ascii=False)
    return f'label_replace(label_replace(vector(1), "s", {subject}, "", ""), "r", "[$1]", "s", {json.dumps(pattern, ensure_ascii=False)})'


def queries(random, count):
    """`(path, query)`."""
    for _ in range(count):
        yield "query", number(random)
        yield "format_query", number(random)
        yield "query", f"vector({number(random)})"
        yield "format_query", f"x[{duration(random)}] offset {random.choice(['', '-'])}{duration(random)}"
        yield "format_query", f"x[{duration(random)}:{duration(random)}]"
        yield "query", string(random)
        yield "format_query", string(random)
        yield "query", regex(random)
        yield "query", regex(random)
