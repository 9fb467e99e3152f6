// Written by web/build.mjs; sorted by path.
[
    (
        "assets/app-3QPIHSCE.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-3QPIHSCE.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"c8404d79db45\"",
            immutable: true,
        },
    ),
    (
        "assets/chunk-JFUDRX6Z.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-JFUDRX6Z.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"f870d8ceef7b\"",
            immutable: true,
        },
    ),
    (
        "assets/editor-L2G3LS5K.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-L2G3LS5K.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"f65459c92a33\"",
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
            etag: "\"693f2d2aa1b8\"",
            immutable: false,
        },
    ),
]
