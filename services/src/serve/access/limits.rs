//! How often somebody may ask: a bucket of requests for each address, and one for each user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

/// So many buckets are kept; then those that are full again go.
const MOST: usize = 50_000;
const PER_S: u64 = 1_000_000;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second.
    pub per_s: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_s: 200, burst: 1000 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// In millionths of a request.
    left: u64,
    at: Clock,
}

/// The buckets.
#[derive(Debug, Default)]
pub struct Limits {
    rate: Rate,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Limits {
    /// By a rate.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one request of a bucket; where it is empty, the seconds until there is one again.
    pub fn take(&self, key: String) -> Result<(), u64> {
        self.take_at(key, Clock::now())
    }

    fn take_at(&self, key: String, now: Clock) -> Result<(), u64> {
        let full = u64::from(self.rate.burst).saturating_mul(PER_S);
        let per_s = u64::from(self.rate.per_s);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| filled(*bucket, per_s, now) < full);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: full, at: now });
        bucket.left = filled(*bucket, per_s, now).min(full);
        bucket.at = now;
        if let Some(left) = bucket.left.checked_sub(PER_S) {
            bucket.left = left;
            return Ok(());
        }
        let missing = PER_S.saturating_sub(bucket.left);
        Err(missing.div_ceil(per_s.max(1)).div_ceil(PER_S).max(1))
    }
}

/// What a bucket has by now, in millionths of a request.
fn filled(bucket: Bucket, per_s: u64, now: Clock) -> u64 {
    let passed = u64::try_from(now.saturating_duration_since(bucket.at).min(Duration::from_secs(3600)).as_micros());
    bucket.left.saturating_add(passed.unwrap_or(0).saturating_mul(per_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limits = Limits::new(Rate { per_s: 2, burst: 3 });
        let start = Clock::now();
        let mut passed = |at: u64| limits.take_at("a".to_owned(), start + Duration::from_millis(at)).is_ok();
        assert_eq!(
            [0, 0, 0, 0, 400, 500, 600, 1000].map(&mut passed),
            [true, true, true, false, false, true, false, true]
        );
        assert!(limits.take_at("b".to_owned(), start).is_ok(), "another has a bucket of its own");
        assert_eq!(limits.take_at("a".to_owned(), start + Duration::from_secs(1)), Err(1));
    }
}
