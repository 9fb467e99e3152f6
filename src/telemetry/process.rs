//! What the operating system says of this process, under the names that every Prometheus client uses. Linux's /proc; elsewhere only what is there.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use super::Registry;
use super::registry::Gauge;
use crate::model::TimestampMs;

/// Clock ticks a second, as the kernel reports CPU time to user space on every Linux platform.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: f64 = 4096.0;

/// The process's own gauges; `refresh` reads them anew, before `/metrics` is written.
#[derive(Clone, Debug)]
pub struct ProcessFigures {
    cpu_seconds: Gauge,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_files: Gauge,
    threads: Gauge,
}

impl ProcessFigures {
    pub fn new(registry: &Registry, started: TimestampMs) -> Self {
        registry
            .gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", &[])
            .set(started.as_seconds());
        if let Some(limit) = open_files_limit() {
            registry.gauge("process_max_fds", "Maximum number of open file descriptors.", &[]).set(limit);
        }
        Self {
            cpu_seconds: registry.counting_gauge("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", &[]),
            resident_bytes: registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", &[]),
            virtual_bytes: registry.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", &[]),
            open_files: registry.gauge("process_open_fds", "Number of open file descriptors.", &[]),
            threads: registry.gauge("promlet_threads", "Threads of the process.", &[]),
        }
    }

    pub fn refresh(&self) {
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
            self.cpu_seconds.set(stat.cpu_seconds);
            self.virtual_bytes.set(stat.virtual_bytes);
            self.resident_bytes.set(stat.resident_bytes);
            self.threads.set(stat.threads);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_files.set(entries.count() as f64);
        }
    }
}

/// `MemTotal` of `/proc/meminfo`, which the kernel states in KiB.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Fields of `/proc/self/stat` (proc(5)).
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Stat {
    /// The second field is the program's name in parentheses and may hold anything: fields are counted behind it.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |at: usize| fields.get(at - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (number(14)? + number(15)?) / TICKS_PER_SECOND,
            threads: number(20)?,
            virtual_bytes: number(23)?,
            resident_bytes: number(24)? * PAGE_BYTES,
        })
    }
}

/// Bytes of memory that this process holds; none where there is no /proc. Asked often: one read of a file that stays open, and of the
/// cheapest that says it.
pub fn resident_bytes() -> Option<u64> {
    static STATM: OnceLock<Option<File>> = OnceLock::new();
    let mut text = [0; 128];
    let length = STATM.get_or_init(|| File::open("/proc/self/statm").ok()).as_ref()?.read_at(&mut text, 0).ok()?;
    resident_of(std::str::from_utf8(text.get(..length)?).ok()?)
}

/// The second field of `/proc/self/statm` is in pages (proc(5)).
fn resident_of(statm: &str) -> Option<u64> {
    Some((statm.split_whitespace().nth(1)?.parse::<f64>().ok()? * PAGE_BYTES) as u64)
}

/// Bytes of memory that this process may take at most: the machine's, or less where a control group that it is in, or one above that, allows less.
pub fn memory_limit_bytes() -> Option<u64> {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let allowed = limit_files(&own).into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    // "max" is no number, and version 1 says a number beyond all memory for no limit.
    total.into_iter().chain(allowed).min()
}

/// Where the limits of the control groups stand that `/proc/self/cgroup` names, and of all above them (cgroups(7)). In a container the path may
/// be that of the host, and only the root is there.
fn limit_files(own: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            named if named.split(',').any(|controller| controller == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            files.push(format!("{root}{path}/{name}"));
            let Some((above, _)) = path.rsplit_once('/') else { break };
            path = above;
        }
    }
    files
}

fn open_files_limit() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find(|line| line.starts_with("Max open files"))?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_the_second_field_of_statm() {
        assert_eq!(resident_of("173665 4881 2200 4146 0 23514 0\n"), Some(4881 * 4096));
        assert_eq!(resident_of("173665"), None);
        assert_eq!(resident_bytes().is_some(), std::path::Path::new("/proc/self/statm").exists());
    }

    #[test]
    fn limits_of_all_control_groups_above_count() {
        let unified = limit_files("0::/system.slice/promlet.service\n");
        let root = "/sys/fs/cgroup";
        assert_eq!(
            unified,
            [
                format!("{root}/system.slice/promlet.service/memory.max"),
                format!("{root}/system.slice/memory.max"),
                format!("{root}/memory.max")
            ]
        );
        let mixed = limit_files("5:cpu,cpuacct:/\n4:memory:/docker/a:b\n0::/\n");
        let memory = |path: &str| format!("{root}/memory{path}/memory.limit_in_bytes");
        assert_eq!(mixed, [memory("/docker/a:b"), memory("/docker"), memory(""), format!("{root}/memory.max")]);
    }

    #[test]
    fn a_name_with_parentheses_is_skipped() {
        let text = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 99 8192 3 18446744073709551615";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat, Stat { cpu_seconds: 2.0, threads: 4.0, virtual_bytes: 8192.0, resident_bytes: 12288.0 });
    }
}
