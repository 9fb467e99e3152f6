// Written by web/build.mjs; sorted by path.
[
    (
        "assets/app-QC2AERV2.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-QC2AERV2.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"1474a5268726\"",
            immutable: true,
        },
    ),
    (
        "assets/chunk-XEQ5B7MZ.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-XEQ5B7MZ.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"c3b4b3ac6d97\"",
            immutable: true,
        },
    ),
    (
        "assets/editor-HODVTQ5P.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-HODVTQ5P.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"01aacf7d19ea\"",
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
        "assets/style-N2UK6N6K.css",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/style-N2UK6N6K.css.gz")),
            content_type: "text/css; charset=utf-8",
            etag: "\"8e6f9dbe03d3\"",
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
            etag: "\"8bb028ae3bbd\"",
            immutable: false,
        },
    ),
]
