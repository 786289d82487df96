//! Keys and tokens that services begin with a prefix of their own.

use super::{Sensitive, is_url_safe, is_word, run};
use std::sync::LazyLock;

/// Longest body looked at. The longest real ones, signed tokens, stay below it.
const LONGEST: usize = 4096;

/// What a body is made of.
#[derive(Clone, Copy)]
enum Body {
    Hex,
    Alnum,
    /// Letters, digits, `-`, `_`.
    UrlSafe,
    /// The same and `.`.
    Dotted,
    /// Base64 as in RFC 4648, with its padding.
    Base64,
    /// Either alphabet of base64: some services mix them.
    AnyBase64,
    /// The rest of a path.
    Path,
    /// As [`Body::UrlSafe`], with two digits at least: the prefix alone says too little.
    Mixed,
}

impl Body {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::UrlSafe | Self::Mixed => is_url_safe(byte),
            Self::Dotted => is_url_safe(byte) || byte == b'.',
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::AnyBase64 => is_url_safe(byte) || matches!(byte, b'+' | b'/' | b'='),
            Self::Path => is_url_safe(byte) || matches!(byte, b'/' | b'.'),
        }
    }
}

struct Key {
    kind: &'static str,
    prefix: &'static str,
    body: Body,
    least: usize,
}

const fn key(kind: &'static str, prefix: &'static str, body: Body, least: usize) -> Key {
    Key { kind, prefix, body, least }
}

/// Longer prefixes stand before those they begin with.
static KEYS: &[Key] = &[
    key("1Password token", "ops_eyJ", Body::Base64, 40),
    key("Adafruit key", "aio_", Body::Alnum, 28),
    key("age key", "AGE-SECRET-KEY-1", Body::Alnum, 50),
    key("Airtable token", "pat", Body::Dotted, 70),
    key("Anthropic key", "sk-ant-", Body::UrlSafe, 20),
    key("Atlassian token", "ATATT3", Body::AnyBase64, 60),
    key("AWS key id", "AKIA", Body::Alnum, 16),
    key("AWS key id", "ASIA", Body::Alnum, 16),
    key("Bitbucket token", "ATBB", Body::Alnum, 28),
    key("Bitbucket token", "ATCTT3", Body::AnyBase64, 60),
    key("Brevo key", "xkeysib-", Body::UrlSafe, 40),
    key("Buildkite token", "bkua_", Body::Alnum, 32),
    key("Clojars token", "CLOJARS_", Body::Alnum, 40),
    key("Contentful token", "CFPAT-", Body::UrlSafe, 40),
    key("crates.io token", "cio", Body::Alnum, 32),
    key("Databricks token", "dapi", Body::Hex, 32),
    key("DigitalOcean token", "dop_v1_", Body::Hex, 40),
    key("DigitalOcean token", "doo_v1_", Body::Hex, 40),
    key("DigitalOcean token", "dor_v1_", Body::Hex, 40),
    key("Discord webhook", "discord.com/api/webhooks/", Body::Path, 60),
    key("Docker token", "dckr_pat_", Body::UrlSafe, 20),
    key("Docker token", "dckr_oat_", Body::UrlSafe, 20),
    key("Doppler token", "dp.pt.", Body::Alnum, 32),
    key("Doppler token", "dp.st.", Body::Dotted, 32),
    key("Dropbox token", "sl.", Body::Dotted, 60),
    key("Duffel token", "duffel_", Body::UrlSafe, 30),
    key("Dynatrace token", "dt0c01.", Body::Dotted, 60),
    key("EasyPost key", "EZAK", Body::Alnum, 40),
    key("Facebook token", "EAACEdEose0cBA", Body::Alnum, 20),
    key("Facebook token", "EAA", Body::Alnum, 80),
    key("Figma token", "figd_", Body::UrlSafe, 30),
    key("Fireworks key", "fw_", Body::Alnum, 20),
    key("Fly token", "fo1_", Body::UrlSafe, 30),
    key("Fly token", "FlyV1 fm2_", Body::Base64, 60),
    key("Flutterwave key", "FLWSECK-", Body::UrlSafe, 20),
    key("GitHub token", "github_pat_", Body::UrlSafe, 36),
    key("GitHub token", "ghp_", Body::Alnum, 30),
    key("GitHub token", "gho_", Body::Alnum, 30),
    key("GitHub token", "ghu_", Body::Alnum, 30),
    key("GitHub token", "ghs_", Body::Alnum, 30),
    key("GitHub token", "ghr_", Body::Alnum, 30),
    key("GitLab token", "glpat-", Body::Dotted, 20),
    key("GitLab token", "gldt-", Body::UrlSafe, 20),
    key("GitLab token", "glrt-", Body::UrlSafe, 20),
    key("GitLab token", "glcbt-", Body::UrlSafe, 20),
    key("GitLab token", "glptt-", Body::UrlSafe, 20),
    key("GitLab token", "glsoat-", Body::UrlSafe, 20),
    key("Google key", "AIza", Body::UrlSafe, 35),
    key("Google client secret", "GOCSPX-", Body::UrlSafe, 24),
    key("Google token", "ya29.", Body::Dotted, 30),
    key("Google token", "1//0", Body::UrlSafe, 40),
    key("Grafana token", "glsa_", Body::UrlSafe, 32),
    key("Grafana token", "glc_", Body::Base64, 32),
    key("Groq key", "gsk_", Body::Alnum, 40),
    key("Heroku key", "HRKU-", Body::UrlSafe, 36),
    key("Hugging Face token", "hf_", Body::Alnum, 30),
    key("Hugging Face token", "api_org_", Body::Alnum, 30),
    key("Langfuse key", "sk-lf-", Body::UrlSafe, 30),
    key("Linear key", "lin_api_", Body::Alnum, 32),
    key("Mailgun key", "key-", Body::Hex, 32),
    key("Mapbox token", "sk.eyJ", Body::Dotted, 40),
    key("Neon key", "napi_", Body::Alnum, 40),
    key("Netlify token", "nfp_", Body::Alnum, 36),
    key("New Relic key", "NRAK-", Body::Alnum, 27),
    key("Notion token", "ntn_", Body::Alnum, 40),
    key("Notion token", "secret_", Body::Alnum, 43),
    key("npm token", "npm_", Body::Alnum, 36),
    key("NVIDIA key", "nvapi-", Body::UrlSafe, 40),
    key("OpenAI key", "sk-proj-", Body::UrlSafe, 20),
    key("OpenAI key", "sk-svcacct-", Body::UrlSafe, 20),
    key("OpenAI key", "sk-admin-", Body::UrlSafe, 20),
    key("OpenRouter key", "sk-or-v1-", Body::Hex, 32),
    key("Perplexity key", "pplx-", Body::Alnum, 32),
    key("PlanetScale token", "pscale_tkn_", Body::Dotted, 30),
    key("PlanetScale password", "pscale_pw_", Body::Dotted, 30),
    key("Postman key", "PMAK-", Body::UrlSafe, 40),
    key("Prefect key", "pnu_", Body::Alnum, 36),
    key("Pulumi token", "pul-", Body::Hex, 40),
    key("PyPI token", "pypi-AgE", Body::UrlSafe, 50),
    key("Replicate token", "r8_", Body::Alnum, 30),
    key("RubyGems key", "rubygems_", Body::Hex, 48),
    key("SendGrid key", "SG.", Body::Dotted, 50),
    key("Sentry token", "sntrys_", Body::AnyBase64, 40),
    key("Sentry token", "sntryu_", Body::Hex, 40),
    key("Shippo token", "shippo_live_", Body::Hex, 40),
    key("Shopify token", "shpat_", Body::Hex, 32),
    key("Shopify token", "shpca_", Body::Hex, 32),
    key("Shopify token", "shppa_", Body::Hex, 32),
    key("Shopify secret", "shpss_", Body::Hex, 32),
    key("Slack token", "xoxb-", Body::UrlSafe, 20),
    key("Slack token", "xoxp-", Body::UrlSafe, 20),
    key("Slack token", "xoxa-", Body::UrlSafe, 20),
    key("Slack token", "xoxr-", Body::UrlSafe, 20),
    key("Slack token", "xoxs-", Body::UrlSafe, 20),
    key("Slack token", "xoxe.", Body::Dotted, 20),
    key("Slack token", "xapp-", Body::UrlSafe, 20),
    key("Slack webhook", "hooks.slack.com/services/", Body::Path, 20),
    key("Sourcegraph token", "sgp_", Body::UrlSafe, 40),
    key("Square token", "sq0atp-", Body::UrlSafe, 22),
    key("Square secret", "sq0csp-", Body::UrlSafe, 40),
    key("Square token", "EAAA", Body::UrlSafe, 60),
    key("Stripe key", "sk_live_", Body::Alnum, 16),
    key("Stripe key", "rk_live_", Body::Alnum, 16),
    key("Stripe key", "sk_test_", Body::Alnum, 16),
    key("Stripe key", "rk_test_", Body::Alnum, 16),
    key("Stripe secret", "whsec_", Body::Base64, 24),
    key("Supabase token", "sbp_", Body::Hex, 40),
    key("Supabase key", "sb_secret_", Body::UrlSafe, 20),
    key("Tailscale key", "tskey-", Body::UrlSafe, 20),
    key("Together key", "tgp_v1_", Body::UrlSafe, 30),
    key("Twilio key", "SK", Body::Hex, 32),
    key("Typeform token", "tfp_", Body::Dotted, 40),
    key("Vault token", "hvs.", Body::UrlSafe, 24),
    key("Vault token", "hvb.", Body::UrlSafe, 24),
    key("Vercel token", "vcp_", Body::Alnum, 24),
    key("xAI key", "xai-", Body::Alnum, 60),
    // What many services begin theirs with; after those that are known better.
    key("key", "sk-", Body::Mixed, 20),
];

/// The keys by their first byte.
static BY_FIRST: LazyLock<[Vec<&'static Key>; 128]> = LazyLock::new(|| {
    let mut table = [const { Vec::new() }; 128];
    for key in KEYS {
        if let Some(slot) = key.prefix.bytes().next().and_then(|first| table.get_mut(usize::from(first))) {
            slot.push(key);
        }
    }
    table
});

/// The key that begins there.
pub(super) fn at(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let candidates = BY_FIRST.get(usize::from(rest[0]))?;
    candidates.iter().find_map(|key| {
        let body = rest.strip_prefix(key.prefix.as_bytes())?;
        let length = run(body, 0, LONGEST, |byte| key.body.has(byte));
        let long_enough = length >= key.least;
        // A key ends where its alphabet does: what goes on as a word is something else.
        let ends = body.get(length).is_none_or(|&next| !is_word(next));
        let digits = || body[..length].iter().filter(|byte| byte.is_ascii_digit()).count();
        let telling = !matches!(key.body, Body::Mixed) || digits() >= 2;
        (long_enough && ends && telling).then(|| {
            // A full stop or a dash at the end is the sentence's.
            let trimmed = body[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
            let end = at + key.prefix.len() + length - trimmed;
            Sensitive { range: at..end, kind: key.kind }
        })
    })
}
