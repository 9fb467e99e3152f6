//! The simulated exporters behind real HTTP: the trainer and the GPUs, each on a port of its own.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::family::page;
use super::gpus::Gpus;
use super::trainer::Trainer;
use crate::clock::Clock;
use crate::model::TimestampMs;

/// Both simulations; a scrape moves them on to the second it comes in.
#[derive(Clone)]
pub struct Simulation {
    world: Arc<Mutex<World>>,
    clock: Clock,
    start: TimestampMs,
}

struct World {
    trainer: Trainer,
    gpus: Gpus,
    second: i64,
}

impl Simulation {
    pub fn new(trainer: Trainer, gpus: Gpus, clock: Clock, start: TimestampMs) -> Self {
        Self { world: Arc::new(Mutex::new(World { trainer, gpus, second: 0 })), clock, start }
    }

    fn now(&self, read: fn(&World) -> String) -> String {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let second = (self.clock.now().0 - self.start.0).div_euclid(1000);
        if second > world.second {
            let passed = second - world.second;
            world.second = second;
            world.trainer.advance(second);
            let jobs = world.trainer.active_jobs();
            world.gpus.advance(passed, jobs);
        }
        read(&world)
    }
}

fn answer(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// Serves the trainer's `/metrics` until the task is dropped.
pub async fn serve_trainer(listener: TcpListener, simulation: Simulation) -> std::io::Result<()> {
    let read = |State(simulation): State<Simulation>| async move { answer(simulation.now(|world| page(&world.trainer.families()))) };
    axum::serve(listener, Router::new().route("/metrics", get(read)).with_state(simulation)).await
}

/// Serves the GPUs' `/metrics` until the task is dropped.
pub async fn serve_gpus(listener: TcpListener, simulation: Simulation) -> std::io::Result<()> {
    let read = |State(simulation): State<Simulation>| async move { answer(simulation.now(|world| page(&world.gpus.families()))) };
    axum::serve(listener, Router::new().route("/metrics", get(read)).with_state(simulation)).await
}
