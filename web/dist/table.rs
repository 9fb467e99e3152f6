// Written by web/build.mjs; sorted by path.
[
    (
        "assets/app-6XVQEVN5.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-6XVQEVN5.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"86db3f7495d6\"",
            immutable: true,
        },
    ),
    (
        "assets/chunk-WWJ23J7N.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-WWJ23J7N.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"b0ac33eb2be0\"",
            immutable: true,
        },
    ),
    (
        "assets/editor-DMZQ6IBI.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-DMZQ6IBI.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"5d3e874a21d4\"",
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
        "assets/style-YVKUDDC4.css",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/style-YVKUDDC4.css.gz")),
            content_type: "text/css; charset=utf-8",
            etag: "\"704399536469\"",
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
            etag: "\"4697bd2d4b4f\"",
            immutable: false,
        },
    ),
]
