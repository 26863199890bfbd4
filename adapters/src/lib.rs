//! Ports to the world. Each folder opens with its trait or contract;
//! implementations are its siblings.

pub mod clock;
pub mod event_log;
pub mod inbox;
pub mod intake;
pub mod load_curve;
pub mod meter_bus;
pub mod nats;
pub mod notifier;
pub mod payment_gateway;
pub mod site_folder;
pub mod supply_switch;
pub mod time_zone;
pub mod urdb;
