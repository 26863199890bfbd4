//! Questions to a gateway, over HTTP.

use std::time::Duration;

use super::PollError;

/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer that is read.
const LONGEST: u64 = 16 << 20;

/// An answer: its headers, and its body as it came.
pub(super) struct Answer {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Asks; an answer that is not 2xx is an error, but for those that are `also` fine.
pub(super) fn get(url: &str, headers: &[(&str, &str)], also: &[u16]) -> Result<Option<Answer>, PollError> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into();
    let request = headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value));
    let mut response = request.call().map_err(|error| PollError::Unreachable(error.to_string()))?;
    let status = response.status().as_u16();
    let texts = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(texts).collect();
    let body = response.body_mut().with_config().limit(LONGEST).read_to_vec();
    let body = body.map_err(|error| PollError::Unreachable(error.to_string()))?;
    if also.contains(&status) {
        return Ok(None);
    }
    if !(200..300).contains(&status) {
        let text = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(PollError::Status { status, text });
    }
    Ok(Some(Answer { headers, body }))
}
