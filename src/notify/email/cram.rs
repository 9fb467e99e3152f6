//! CRAM-MD5 (RFC 2195): the answer to a challenge, by HMAC-MD5 (RFC 2104).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// The block of MD5, in bytes.
const BLOCK: usize = 64;

/// The answer in base64 to a challenge in base64; none where the challenge is none.
pub fn answer(user: &str, secret: &str, challenge: &str) -> Option<String> {
    let challenge = STANDARD.decode(challenge.trim()).ok()?;
    let digest: String = hmac_md5(secret.as_bytes(), &challenge).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(STANDARD.encode(format!("{user} {digest}")))
}

fn hmac_md5(key: &[u8], text: &[u8]) -> [u8; 16] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..16].copy_from_slice(&Md5::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Md5::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Md5::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let challenge = STANDARD.encode("<1896.697170952@postoffice.reston.mci.net>");
        let answer = answer("tim", "tanstaaftanstaaf", &challenge).unwrap();
        assert_eq!(STANDARD.decode(answer).unwrap(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(super::answer("tim", "s", "no base64!"), None);
    }

    // RFC 2202, test cases 1 and 6 (a key that is longer than a block).
    #[test]
    fn the_published_vectors() {
        let hex = |digest: [u8; 16]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(hmac_md5(&[0x0b; 16], b"Hi There")), "9294727a3638bb1c13f48ef8158bfc9d");
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hex(hmac_md5(&[0xaa; 80], text)), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
