//! Shared parts of the test suites.
pub mod alarm_site;
pub mod cases;
pub mod disk;
pub mod events;
pub mod field;
pub mod judges;
pub mod loads;
pub mod nats;
pub mod random;
pub mod run;
pub mod samples;
pub mod shard;
pub mod sim;
pub mod site;
pub mod supply_world;
pub mod tariff_cases;
pub mod tariff_site;
