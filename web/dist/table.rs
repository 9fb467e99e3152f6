// Written by web/build.mjs; sorted by path.
[
    (
        "assets/app-3BM6RWVW.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-3BM6RWVW.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"fb72164ee914\"",
            immutable: true,
        },
    ),
    (
        "assets/chunk-QP4YAQ4Y.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-QP4YAQ4Y.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"c9b5bde1b73f\"",
            immutable: true,
        },
    ),
    (
        "assets/editor-CJWJBIBL.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-CJWJBIBL.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"e544d47f26b5\"",
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
            etag: "\"f78d3ea52b0b\"",
            immutable: false,
        },
    ),
]
