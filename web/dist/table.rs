// Written by web/build.mjs; sorted by path.
[
    (
        "/assets/app-XS3CHZUN.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-XS3CHZUN.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"fb83c53e2ee6\"",
            immutable: true,
        },
    ),
    (
        "/assets/chunk-RMH2B55S.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-RMH2B55S.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"45aabfd30d63\"",
            immutable: true,
        },
    ),
    (
        "/assets/editor-7PDIOHHA.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-7PDIOHHA.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"fbd16d6973a1\"",
            immutable: true,
        },
    ),
    (
        "/assets/licences.txt",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/licences.txt.gz")),
            content_type: "text/plain; charset=utf-8",
            etag: "\"77534b4d2c73\"",
            immutable: false,
        },
    ),
    (
        "/assets/style-QHUNJ7RU.css",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/style-QHUNJ7RU.css.gz")),
            content_type: "text/css; charset=utf-8",
            etag: "\"23b02e1df708\"",
            immutable: true,
        },
    ),
    (
        "/assets/theme-RDBH4QTH.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/theme-RDBH4QTH.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"2fae366eb01e\"",
            immutable: true,
        },
    ),
    (
        "/favicon.svg",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/favicon.svg.gz")),
            content_type: "image/svg+xml",
            etag: "\"8f1fd0ecc241\"",
            immutable: false,
        },
    ),
    (
        "/index.html",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/index.html.gz")),
            content_type: "text/html; charset=utf-8",
            etag: "\"b6d775b37fbf\"",
            immutable: false,
        },
    ),
]
