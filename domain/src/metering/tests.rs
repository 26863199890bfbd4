//! What metering must do.
