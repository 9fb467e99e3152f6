//! Two simulated GPUs on the metric names of DCGM's exporter, busy as the trainer is.

use super::family::Family;
use super::random::Random;

const FRAMEBUFFER_MIB: f64 = 81_000.0;
/// A trainer takes its memory at the start and keeps it, whatever its jobs do.
const USED_MIB: [f64; 2] = [61_240.0, 58_912.0];

/// A box with two GPUs; the second shares the work.
#[derive(Clone, Debug)]
pub struct Gpus {
    random: Random,
    energy_mj: [f64; 2],
    busy: [f64; 2],
    temperature: [f64; 2],
}

impl Gpus {
    pub fn new() -> Self {
        Self { random: Random::new(0xfeed_0042), energy_mj: [0.0; 2], busy: [70.0; 2], temperature: [55.0; 2] }
    }

    /// Moves on by some seconds at the load of so many jobs.
    pub fn advance(&mut self, seconds: i64, jobs: usize) {
        for gpu in 0..2 {
            let goal = (30.0 + 9.0 * jobs as f64 + self.random.between(-12.0, 12.0)).clamp(5.0, 100.0);
            self.busy[gpu] += (goal - self.busy[gpu]) * 0.3;
            self.temperature[gpu] += (35.0 + self.busy[gpu] * 0.4 - self.temperature[gpu]) * 0.1;
            self.energy_mj[gpu] += self.power_watts(gpu) * seconds as f64 * 1000.0;
        }
    }

    fn power_watts(&self, gpu: usize) -> f64 {
        90.0 + self.busy[gpu] * 4.6
    }

    pub fn families(&self) -> Vec<Family> {
        type Read = fn(&Gpus, usize) -> f64;
        let gauges: [(&'static str, &'static str, Read); 12] = [
            ("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", |g, i| 1200.0 + (g.busy[i] * 7.0).round()),
            ("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", |_, _| 2619.0),
            ("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", |g, i| g.temperature[i].round()),
            ("DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C).", |g, i| (g.temperature[i] + 6.0).round()),
            ("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", |g, i| (g.power_watts(i) * 1000.0).round() / 1000.0),
            ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", |g, i| g.busy[i].round()),
            ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", |_, i| USED_MIB[i]),
            ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", |_, i| FRAMEBUFFER_MIB - USED_MIB[i]),
            ("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", |_, _| 0.0),
            ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "Ratio of cycles the tensor (HMMA) pipe is active.", |g, i| {
                (g.busy[i] * 6.1).round() / 1000.0
            }),
            ("DCGM_FI_PROF_PCIE_TX_BYTES", "The rate of data transmitted over the PCIe bus (in B/s).", |g, i| (g.busy[i] * 2.1e7).round()),
            ("DCGM_FI_PROF_PCIE_RX_BYTES", "The rate of data received over the PCIe bus (in B/s).", |g, i| (g.busy[i] * 3.4e7).round()),
        ];
        let mut families = Vec::new();
        for (name, help, read) in gauges {
            families.push(self.family(Family::new(name, "gauge", help), read));
        }
        let energy = Family::new("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ).");
        families.push(self.family(energy, |g, i| g.energy_mj[i].round()));
        families
    }

    fn family(&self, mut family: Family, read: fn(&Gpus, usize) -> f64) -> Family {
        for (at, gpu) in ["0", "1"].into_iter().enumerate() {
            let device = format!("nvidia{gpu}");
            let uuid = format!("GPU-0000000{gpu}-demo");
            let labels = [("gpu", gpu), ("UUID", &uuid), ("device", &device), ("modelName", "Simulated H100"), ("Hostname", "demo")];
            family.push(&labels, read(self, at));
        }
        family
    }
}

impl Default for Gpus {
    fn default() -> Self {
        Self::new()
    }
}
