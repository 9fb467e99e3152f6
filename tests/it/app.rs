//! The whole server, assembled as the command assembles it, on a port of its own: started, fed, broken, reloaded, stopped.

mod alertmanagers;
mod command;
mod heartbeats;
mod hostile;
mod receivers;
mod reload;
mod restart;
mod running;
mod start;
mod targets;
