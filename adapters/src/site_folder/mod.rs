//! site_folder.
