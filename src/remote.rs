//! Samples over the network: the remote-write receiver.
