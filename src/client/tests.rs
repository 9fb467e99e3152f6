//! Clients against small local servers.
