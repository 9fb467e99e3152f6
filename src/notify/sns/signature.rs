//! AWS Signature Version 4, as its documentation describes it ("Create a signed AWS API request"): a canonical request, its hash in a string
//! to sign, a key made of the date, region and service.

use reqwest::Url;
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::model::TimestampMs;
use crate::notify::group_id::hex;
use crate::notify::query::escape_strictly;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whose signature it is, and for what. An empty token is none.
pub struct Credentials<'a> {
    pub access_key: &'a str,
    pub secret_key: &'a str,
    pub token: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// The values of `Authorization` and `X-Amz-Date`.
#[derive(Debug, PartialEq, Eq)]
pub struct Signed {
    pub authorization: String,
    pub date: String,
}

/// `headers` in lower case; host and date are signed too.
pub fn sign(credentials: &Credentials<'_>, method: &str, url: &Url, headers: &[(&str, &str)], body: &str, now: TimestampMs) -> Signed {
    let date = stamp(now);
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or("")),
        None => url.host_str().unwrap_or("").to_owned(),
    };
    let mut all: Vec<(&str, &str)> = headers.to_vec();
    all.extend([("host", host.as_str()), ("x-amz-date", date.as_str())]);
    if !credentials.token.is_empty() {
        all.push(("x-amz-security-token", credentials.token));
    }
    all.sort_unstable();
    let canonical_headers: String = all.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut parameters: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{}={}", escape_strictly(&name), escape_strictly(&value))).collect();
    parameters.sort_unstable();
    let hash = hex(digest(&SHA256, body.as_bytes()).as_ref());
    let request = format!("{method}\n{}\n{}\n{canonical_headers}\n{names}\n{hash}", url.path(), parameters.join("&"));
    let (day, region, service) = (&date[..8], credentials.region, credentials.service);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(digest(&SHA256, request.as_bytes()).as_ref()));
    let mut key = format!("AWS4{}", credentials.secret_key).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &to_sign));
    let authorization = format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", credentials.access_key);
    Signed { authorization, date }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// `20150830T123600Z`.
fn stamp(now: TimestampMs) -> String {
    now.whole_seconds().rfc3339().replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-08-30T12:36:00Z.
    const AT: TimestampMs = TimestampMs(1_440_938_160_000);

    // From AWS's Signature Version 4 test suite: get-vanilla, get-vanilla-query-order-key-case, post-x-www-form-urlencoded.
    #[test]
    fn the_published_vectors() {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE",
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            token: "",
            region: "us-east-1",
            service: "service",
        };
        let signature = |method: &str, url: &str, headers: &[(&str, &str)], body: &str| {
            let signed = sign(&credentials, method, &Url::parse(url).unwrap(), headers, body, AT);
            assert_eq!(signed.date, "20150830T123600Z");
            signed.authorization.rsplit_once("Signature=").unwrap().1.to_owned()
        };
        assert_eq!(
            signature("GET", "https://example.amazonaws.com/", &[], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            signature("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", &[], ""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        assert_eq!(
            signature("POST", "https://example.amazonaws.com/", &[("content-type", FORM)], "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    const FORM: &str = "application/x-www-form-urlencoded";
}
