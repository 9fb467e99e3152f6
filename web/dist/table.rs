// Written by web/build.mjs; sorted by path.
[
    (
        "assets/app-HC5BF5WK.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-HC5BF5WK.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"f9dbee08d3f3\"",
            immutable: true,
        },
    ),
    (
        "assets/chunk-GFWJASQK.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-GFWJASQK.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"bdbf8d90bcb6\"",
            immutable: true,
        },
    ),
    (
        "assets/editor-MY2IXDYG.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-MY2IXDYG.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"fcf8b19ad703\"",
            immutable: true,
        },
    ),
    (
        "assets/licences.txt",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/licences.txt.gz")),
            content_type: "text/plain; charset=utf-8",
            etag: "\"77534b4d2c73\"",
            immutable: false,
        },
    ),
    (
        "assets/style-63O7MHZB.css",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/style-63O7MHZB.css.gz")),
            content_type: "text/css; charset=utf-8",
            etag: "\"53548f19efea\"",
            immutable: true,
        },
    ),
    (
        "assets/theme-RDBH4QTH.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/theme-RDBH4QTH.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"2fae366eb01e\"",
            immutable: true,
        },
    ),
    (
        "favicon.svg",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/favicon.svg.gz")),
            content_type: "image/svg+xml",
            etag: "\"8f1fd0ecc241\"",
            immutable: false,
        },
    ),
    (
        "index.html",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/index.html.gz")),
            content_type: "text/html; charset=utf-8",
            etag: "\"4113494bdd4e\"",
            immutable: false,
        },
    ),
]
