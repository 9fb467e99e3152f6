//! What the store holds, counted: for the status page, its API, and `promlet tsdb info`.

use std::collections::HashMap;

use super::store::{Store, lock, read};
use crate::model::METRIC_NAME;
use crate::storage::SelectError;

/// One row of a list of largest things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCount {
    pub name: String,
    pub value: u64,
}

#[derive(Clone, Debug, Default)]
pub struct StoreStats {
    /// Series in memory.
    pub series: usize,
    /// Distinct label pairs in memory.
    pub label_pairs: usize,
    pub groups: usize,
    /// Milliseconds; none while the store is empty.
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
    pub series_by_metric: Vec<NameCount>,
    pub values_by_label: Vec<NameCount>,
    /// Bytes of memory for the texts of each label's values.
    pub bytes_by_label: Vec<NameCount>,
    /// `name=value` pairs with the most series.
    pub series_by_pair: Vec<NameCount>,
    pub segments: Vec<SegmentStats>,
    pub open_segment_bytes: u64,
    pub log_bytes: u64,
    /// Bytes of memory by part.
    pub memory: Vec<(&'static str, usize)>,
}

#[derive(Clone, Debug)]
pub struct SegmentStats {
    pub id: u64,
    pub level: u8,
    pub bytes: u64,
    pub index_bytes: u64,
    pub series: u64,
    pub samples: u64,
    pub min_time: i64,
    pub max_time: i64,
}

/// Times in milliseconds; none while the store is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub groups: usize,
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
}

pub fn extent(store: &Store) -> Extent {
    let segments = store.segments();
    let in_segments = segments.sealed.iter().map(|s| s.footer.min_time).chain(super::flush::newest(&segments.open).extent().min_time).min();
    let newest = store.newest_time.load(std::sync::atomic::Ordering::Acquire);
    let mut extent = Extent { groups: 0, min_time: in_segments, max_time: (newest > i64::MIN).then_some(newest) };
    for source in store.source_list() {
        let state = lock(&source.state);
        extent.groups += state.groups.len();
        let oldest = state.groups.iter().filter_map(|g| g.times.first().copied()).min();
        extent.min_time = extent.min_time.into_iter().chain(oldest).min();
    }
    extent
}

pub fn stats(store: &Store, limit: usize) -> StoreStats {
    let segments = store.segments();
    let open = super::flush::newest(&segments.open);
    let extent = open.extent();
    let newest = store.newest_time.load(std::sync::atomic::Ordering::Acquire);
    let mut stats = StoreStats {
        min_time: segments.sealed.iter().map(|s| s.footer.min_time).chain(extent.min_time).min(),
        max_time: (newest > i64::MIN).then_some(newest),
        open_segment_bytes: extent.bytes,
        log_bytes: store.log.size_bytes(),
        ..StoreStats::default()
    };
    stats.segments = segments
        .sealed
        .iter()
        .map(|s| {
            let f = s.footer;
            SegmentStats {
                id: f.id,
                level: f.level,
                bytes: s.bytes,
                index_bytes: f.index_bytes,
                series: f.series,
                samples: f.samples,
                min_time: f.min_time,
                max_time: f.max_time,
            }
        })
        .collect();
    let (mut groups, mut oldest) = (0usize, None::<i64>);
    for source in store.source_list() {
        let state = lock(&source.state);
        stats.groups += state.groups.len();
        groups += state.groups.iter().map(|g| g.size_bytes()).sum::<usize>() + state.slots.size_bytes();
        oldest = state.groups.iter().filter_map(|g| g.times.first().copied()).chain(oldest).min();
    }
    stats.min_time = stats.min_time.into_iter().chain(oldest).min();
    count_labels(store, limit, &mut stats);
    let head = read(&store.head);
    stats.memory = vec![
        ("groups and tails", groups),
        ("series index", head.index.size_bytes() + head.homes.capacity() * 4),
        ("open segment", open.size_in_memory()),
        ("segment indexes", store.indexes.size_bytes()),
    ];
    stats
}

fn count_labels(store: &Store, limit: usize, stats: &mut StoreStats) {
    let head = read(&store.head);
    let index = &head.index;
    (stats.series, stats.label_pairs) = (index.len(), index.pairs.len());
    let mut by_pair = vec![0u64; index.pairs.len()];
    for series in 0..index.len() as u32 {
        index.for_each_pair(series, |pair| by_pair[pair as usize] += 1);
    }
    let (mut values, mut bytes) = (HashMap::<u32, u64>::new(), HashMap::<u32, u64>::new());
    let name_symbol = index.symbols.get(METRIC_NAME);
    let (mut metrics, mut pairs) = (Vec::new(), Vec::new());
    for (pair, (name, value)) in index.pairs.iter().enumerate() {
        let text = index.symbols.text(value);
        *values.entry(name).or_default() += 1;
        *bytes.entry(name).or_default() += text.len() as u64;
        if Some(name) == name_symbol {
            metrics.push(NameCount { name: text.to_owned(), value: by_pair[pair] });
        }
        pairs.push((by_pair[pair], pair as u32));
    }
    pairs.sort_by(|a, b| b.cmp(a));
    pairs.truncate(limit);
    let of_pair = |(count, pair): (u64, u32)| {
        let (name, value) = index.pairs.get(pair);
        NameCount { name: format!("{}={}", index.symbols.text(name), index.symbols.text(value)), value: count }
    };
    stats.series_by_pair = pairs.into_iter().map(of_pair).collect();
    let named = |counts: HashMap<u32, u64>| {
        counts.into_iter().map(|(name, value)| NameCount { name: index.symbols.text(name).to_owned(), value }).collect()
    };
    stats.series_by_metric = largest(metrics, limit);
    stats.values_by_label = largest(named(values), limit);
    stats.bytes_by_label = largest(named(bytes), limit);
}

fn largest(mut list: Vec<NameCount>, limit: usize) -> Vec<NameCount> {
    list.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    list.truncate(limit);
    list
}

/// Pages of one codec: how many, the values they hold, their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecStats {
    pub codec: &'static str,
    pub pages: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// What sealed segments spend on each codec. Reads every stripe.
pub fn codecs(store: &Store) -> Result<Vec<CodecStats>, SelectError> {
    let mut found: Vec<CodecStats> = Vec::new();
    let mut count = |codec, pages, rows, bytes| match found.iter_mut().find(|c| c.codec == codec) {
        Some(known) => {
            known.pages += pages;
            known.rows += rows;
            known.bytes += bytes;
        }
        None => found.push(CodecStats { codec, pages, rows, bytes }),
    };
    for segment in &store.segments().sealed {
        let index = store.indexes.get(segment)?;
        count("index", 1, 0, segment.footer.index_bytes);
        for stripe in index.groups.iter().flat_map(|group| &group.stripes) {
            let head = segment.file.stripe_head(stripe)?;
            let pages = segment.file.read(stripe.pages_offset(), stripe.page_bytes as usize)?;
            count("heads", 1, 0, u64::from(stripe.head_bytes));
            count("side", 1, 0, u64::from(stripe.side_bytes));
            let mut reached = 0usize;
            for range in (0..head.ends.len()).filter_map(|at| head.page_range(at)) {
                let rows = head.times.len() as u64;
                if range.end <= reached {
                    count("repeated", 1, rows, 0);
                    continue;
                }
                reached = range.end;
                let first = pages.get(range.start).map_or("", |first| super::page::codec_name(*first));
                count(first, 1, rows, range.len() as u64);
            }
        }
    }
    found.sort_by_key(|c| std::cmp::Reverse(c.bytes));
    Ok(found)
}
