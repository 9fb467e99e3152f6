// Written by web/build.mjs; sorted by path.
[
    (
        "/assets/app-I52X3WF2.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/app-I52X3WF2.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"e74192929414\"",
            immutable: true,
        },
    ),
    (
        "/assets/chunk-SLTWXMYJ.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/chunk-SLTWXMYJ.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"1a27f3f4fe0c\"",
            immutable: true,
        },
    ),
    (
        "/assets/editor-TRNNC3CJ.js",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/editor-TRNNC3CJ.js.gz")),
            content_type: "text/javascript; charset=utf-8",
            etag: "\"0139108ac0aa\"",
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
        "/assets/style-DUC3ZTSY.css",
        Asset {
            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/style-DUC3ZTSY.css.gz")),
            content_type: "text/css; charset=utf-8",
            etag: "\"25945545ab6a\"",
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
            etag: "\"8fa45ec67603\"",
            immutable: false,
        },
    ),
]
