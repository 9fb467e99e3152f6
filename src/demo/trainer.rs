//! A simulated GRPO trainer: the documented metrics, labels and buckets, moved on second by second.

use super::family::{Buckets, Family};
use super::random::Random;
use super::script;

const TRAJECTORY_BOUNDS: [f64; 7] = [1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
const UPDATE_BOUNDS: [f64; 7] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
const ITERATION_BOUNDS: [f64; 7] = [5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const CHECKPOINT_BOUNDS: [f64; 6] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Which scripted trouble a job is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plot {
    None,
    OverBudget,
    NearLimit,
    LossBreaks,
}

#[derive(Clone, Debug)]
struct Job {
    id: String,
    plot: Plot,
    iteration: u32,
    total: u32,
    seconds_per_iteration: i64,
    seconds_into_iteration: i64,
    loss: f64,
    reward: f64,
    limit_usd: f64,
}

#[derive(Clone, Debug)]
struct Agent {
    name: &'static str,
    /// How many jobs it runs at a time.
    slots: usize,
    next_job: u32,
    created: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    trajectory: Buckets,
    update: Buckets,
    whole: Buckets,
    checkpoint: Buckets,
    jobs: Vec<Job>,
}

/// The whole trainer at one second of the script.
#[derive(Clone, Debug)]
pub struct Trainer {
    second: i64,
    random: Random,
    agents: Vec<Agent>,
}

impl Agent {
    fn new(name: &'static str, slots: usize, first_job: u32) -> Self {
        Self {
            name,
            slots,
            next_job: first_job,
            created: 0,
            completed: 0,
            failed: 0,
            cancelled: 0,
            trajectory: Buckets::new(&TRAJECTORY_BOUNDS),
            update: Buckets::new(&UPDATE_BOUNDS),
            whole: Buckets::new(&ITERATION_BOUNDS),
            checkpoint: Buckets::new(&CHECKPOINT_BOUNDS),
            jobs: Vec::new(),
        }
    }

    fn create(&mut self, random: &mut Random) {
        let id = format!("job-{}", self.next_job);
        self.next_job += 1;
        self.start(id, Plot::None, 24 + (random.unit() * 16.0) as u32, random);
    }

    fn start(&mut self, id: String, plot: Plot, total: u32, random: &mut Random) {
        self.created += 1;
        self.jobs.push(Job {
            id,
            plot,
            iteration: 0,
            total,
            seconds_per_iteration: 9 + (random.unit() * 5.0) as i64,
            seconds_into_iteration: 0,
            loss: random.between(2.2, 2.8),
            reward: random.between(-0.3, -0.1),
            limit_usd: [40.0, 60.0, 100.0][(random.unit() * 3.0) as usize],
        });
    }

    /// One iteration of one job is done.
    fn finish_iteration(&mut self, at: usize, slow: bool, random: &mut Random) {
        let took = self.jobs[at].seconds_per_iteration as f64;
        let trajectory = if slow { random.between(70.0, 110.0) } else { took * random.between(0.35, 0.8) };
        self.trajectory.observe(trajectory);
        self.update.observe(random.between(0.4, 2.6));
        self.whole.observe(if slow { trajectory + random.between(4.0, 9.0) } else { took + random.between(-2.0, 2.0) });
        let job = &mut self.jobs[at];
        job.iteration += 1;
        job.seconds_into_iteration = 0;
        job.loss = (job.loss * random.between(0.93, 0.99) + random.between(-0.02, 0.02)).max(0.05);
        job.reward = (job.reward + (1.0 - job.reward) * random.between(0.01, 0.06) + random.between(-0.02, 0.02)).min(1.0);
        if job.iteration.is_multiple_of(5) {
            self.checkpoint.observe(random.between(0.3, 1.9));
        }
    }

    fn second(&mut self, second: i64, random: &mut Random) {
        let slow = self.name == "agent-gamma" && second >= script::SLOW_FROM;
        for at in 0..self.jobs.len() {
            self.jobs[at].seconds_into_iteration += 1;
            if self.jobs[at].seconds_into_iteration >= self.jobs[at].seconds_per_iteration {
                self.finish_iteration(at, slow, random);
            }
        }
        let before = self.jobs.len();
        self.jobs.retain(|job| job.iteration < job.total);
        self.completed += (before - self.jobs.len()) as u64;
        let planted_failure = self.name == "agent-beta" && second >= script::FAILURES_FROM && (second - script::FAILURES_FROM) % 90 < 2;
        if planted_failure && let Some(at) = self.jobs.iter().position(|job| job.plot == Plot::None) {
            self.jobs.remove(at);
            self.failed += 1;
        }
        if random.unit() < 1.0 / 2400.0
            && let Some(at) = self.jobs.iter().position(|job| job.plot == Plot::None)
        {
            self.jobs.remove(at);
            self.cancelled += 1;
        }
        let ordinary = self.jobs.iter().filter(|job| job.plot == Plot::None).count();
        for _ in ordinary..self.slots {
            self.create(random);
        }
        self.plant(second, random);
    }

    /// The jobs that the script is about start in the history, so that they have a past.
    fn plant(&mut self, second: i64, random: &mut Random) {
        let (id, plot, from) = match self.name {
            "agent-alpha" => ("job-1042", Plot::OverBudget, -600),
            "agent-beta" => ("job-2017", Plot::LossBreaks, -900),
            _ => ("job-3008", Plot::NearLimit, -500),
        };
        if second == from {
            self.start(id.to_owned(), plot, 400, random);
        }
    }
}

impl Trainer {
    /// At the beginning of the history.
    pub fn new() -> Self {
        let mut random = Random::new(0x5eed_1234_abcd);
        let mut agents = vec![Agent::new("agent-alpha", 2, 1001), Agent::new("agent-beta", 1, 2001), Agent::new("agent-gamma", 1, 3001)];
        for agent in &mut agents {
            for _ in 0..agent.slots {
                agent.create(&mut random);
            }
        }
        Self { second: -script::HISTORY_SECONDS, random, agents }
    }

    /// Moves on to a second of the script; never back.
    pub fn advance(&mut self, to: i64) {
        while self.second < to {
            self.second += 1;
            for agent in &mut self.agents {
                agent.second(self.second, &mut self.random);
            }
        }
    }

    /// Busy jobs per agent, for the simulated GPUs.
    pub fn active_jobs(&self) -> usize {
        self.agents.iter().map(|agent| agent.jobs.len()).sum()
    }

    /// What `/metrics` says now.
    pub fn families(&self) -> Vec<Family> {
        let mut families = self.lifecycle();
        families.extend(self.durations());
        families.extend(self.per_job());
        families
    }

    fn lifecycle(&self) -> Vec<Family> {
        type Read = fn(&Agent) -> u64;
        let counters: [(&'static str, &'static str, Read); 4] = [
            ("training_jobs_created_total", "Total training jobs created", |a| a.created),
            ("training_jobs_completed_total", "Total jobs completed successfully", |a| a.completed),
            ("training_jobs_failed_total", "Total jobs failed", |a| a.failed),
            ("training_jobs_cancelled_total", "Total jobs cancelled", |a| a.cancelled),
        ];
        let mut families = Vec::new();
        for (name, help, read) in counters {
            let mut family = Family::new(name, "counter", help);
            for agent in &self.agents {
                family.push(&[("agent_id", agent.name)], read(agent) as f64);
            }
            families.push(family);
        }
        let mut active = Family::new("training_jobs_active", "gauge", "Number of currently active training jobs");
        active.push(&[], self.active_jobs() as f64);
        families.push(active);
        families
    }

    fn durations(&self) -> Vec<Family> {
        type Read = fn(&Agent) -> &Buckets;
        let histograms: [(&'static str, &'static str, Read); 4] = [
            ("training_trajectory_generation_duration_seconds", "Time to generate trajectory batch", |a| &a.trajectory),
            ("training_policy_update_duration_seconds", "Time to update policy", |a| &a.update),
            ("training_iteration_duration_seconds", "Time for complete training iteration", |a| &a.whole),
            ("training_checkpoint_save_duration_seconds", "Time to save checkpoint", |a| &a.checkpoint),
        ];
        let mut families = Vec::new();
        for (name, help, read) in histograms {
            let mut family = Family::new(name, "histogram", help);
            for agent in &self.agents {
                read(agent).write(&mut family, agent.name);
            }
            families.push(family);
        }
        families
    }

    fn per_job(&self) -> Vec<Family> {
        type Read = fn(&Job, i64) -> f64;
        let gauges: [(&'static str, &'static str, Read); 7] = [
            ("training_budget_usage_usd", "Current budget usage in USD", usage_usd),
            ("training_budget_limit_usd", "Budget limit in USD", limit_usd),
            ("training_budget_utilization_percent", "Budget utilization percentage (0-100)", utilization_percent),
            ("training_iteration_current", "Current training iteration", |job, _| f64::from(job.iteration)),
            ("training_iteration_total", "Total iterations planned", |job, _| f64::from(job.total)),
            ("training_loss", "Current training loss", loss),
            ("training_reward_mean", "Mean reward across trajectories", |job, _| rounded(job.reward, 1e4)),
        ];
        let mut families = Vec::new();
        for (name, help, read) in gauges {
            let mut family = Family::new(name, "gauge", help);
            for agent in &self.agents {
                for job in &agent.jobs {
                    family.push(&[("agent_id", agent.name), ("job_id", &job.id)], read(job, self.second));
                }
            }
            families.push(family);
        }
        families
    }
}

impl Default for Trainer {
    fn default() -> Self {
        Self::new()
    }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

fn loss(job: &Job, second: i64) -> f64 {
    let broken = job.plot == Plot::LossBreaks && (script::LOSS_BREAKS_AT..script::LOSS_MENDED_AT).contains(&second);
    if broken { f64::NAN } else { rounded(job.loss, 1e4) }
}

fn limit_usd(job: &Job, second: i64) -> f64 {
    let raised = job.plot == Plot::OverBudget && second >= script::BUDGET_RAISED_AT;
    if raised { job.limit_usd * 1.5 } else { job.limit_usd }
}

fn usage_usd(job: &Job, second: i64) -> f64 {
    let progress = (f64::from(job.iteration) + job.seconds_into_iteration as f64 / job.seconds_per_iteration as f64) / f64::from(job.total);
    let share = match job.plot {
        Plot::None | Plot::LossBreaks => 0.7 * progress,
        // A straight line from 40 % ten minutes before the start through the limit, and not past the raised one.
        Plot::OverBudget => (0.4 + 0.602 * (second + 600) as f64 / (600 + script::OVER_BUDGET_AT) as f64).min(1.3),
        Plot::NearLimit => {
            let near = (second - script::NEAR_LIMIT_FROM) as f64;
            if near < 0.0 { 0.9 + near * 0.0015 } else { (0.902 + near * 0.0001).min(0.985) }
        }
    };
    rounded(share * job.limit_usd, 100.0)
}

fn utilization_percent(job: &Job, second: i64) -> f64 {
    rounded(usage_usd(job, second) / limit_usd(job, second) * 100.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(trainer: &Trainer, name: &str, job: &str) -> f64 {
        let families = trainer.families();
        let family = families.iter().find(|f| f.name == name).expect("a documented family");
        family.samples.iter().find(|p| p.labels.iter().any(|(_, v)| v == job)).expect("a planted job").value
    }

    #[test]
    fn has_the_documented_families() {
        let families = Trainer::new().families();
        assert_eq!(families.len(), 16);
        assert_eq!(families.iter().filter(|f| f.kind == "histogram").count(), 4);
    }

    #[test]
    fn the_script_happens_on_time() {
        let mut trainer = Trainer::new();
        trainer.advance(script::OVER_BUDGET_AT - 3);
        assert!(value(&trainer, "training_budget_utilization_percent", "job-1042") <= 100.0);
        trainer.advance(script::OVER_BUDGET_AT + 1);
        assert!(value(&trainer, "training_budget_utilization_percent", "job-1042") > 100.0);
        trainer.advance(script::LOSS_BREAKS_AT);
        assert!(value(&trainer, "training_loss", "job-2017").is_nan());
        trainer.advance(script::LOSS_MENDED_AT);
        assert!(value(&trainer, "training_loss", "job-2017").is_finite());
        trainer.advance(script::BUDGET_RAISED_AT);
        assert!(value(&trainer, "training_budget_utilization_percent", "job-1042") < 90.0);
        assert!(value(&trainer, "training_budget_utilization_percent", "job-3008") > 90.0);
        trainer.advance(3600);
        assert!(value(&trainer, "training_budget_utilization_percent", "job-1042") < 90.0, "not once more, later");
    }
}
