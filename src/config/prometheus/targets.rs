//! `static_configs` and `file_sd_configs` to discovery's options; checks of the other mechanisms.

use std::path::PathBuf;

use crate::config::relabel::is_label_name;
use crate::discovery::options::DiscoveryOptions;
use crate::discovery::options::TargetGroup;
use crate::model::number::quote;
use crate::model::{DurationMs, Labels};
use crate::yaml::{Node, Problems};

use super::mechanisms;

/// What a job or an Alertmanager section finds its targets by. `legacy`: label names in the old character set only.
pub fn discovery(node: &Node, legacy: bool, problems: &mut Problems<'_>) -> Vec<DiscoveryOptions> {
    let mut out = Vec::new();
    let groups = static_groups(node, legacy, problems);
    if !groups.is_empty() {
        out.push(DiscoveryOptions::Static(groups));
    }
    for file in node.get("file_sd_configs").map(Node::items).unwrap_or_default() {
        out.extend(file_discovery(file, problems));
    }
    mechanisms::check(node, problems);
    out
}

fn static_groups(node: &Node, legacy: bool, problems: &mut Problems<'_>) -> Vec<TargetGroup> {
    // With relabelling, an address may still be made out of what stands here.
    let relabelled = node.get("relabel_configs").is_some_and(|list| !list.items().is_empty());
    let mut groups = Vec::new();
    for (index, group) in node.get("static_configs").map(Node::items).unwrap_or_default().iter().enumerate() {
        if group.is_null() {
            continue;
        }
        for target in group.get("targets").map(Node::items).unwrap_or_default() {
            if let Some(text) = target.as_text().filter(|text| !relabelled && text.contains('/')) {
                let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().unwrap_or("");
                let suggestion = format!("write the host and port only ({host}); scheme and metrics_path are keys of the job");
                problems.error_with(target.span, format!("{} is not a valid hostname", quote(text)), Some(suggestion));
            }
        }
        for entry in group.get("labels").map(Node::entries).unwrap_or_default() {
            if !is_label_name(&entry.key, legacy) {
                problems.error(entry.key_span, format!("{} is not a valid label name", quote(&entry.key)));
            }
        }
        groups.push(TargetGroup {
            targets: group.texts("targets"),
            labels: Labels::from_pairs(group.pairs("labels")),
            source: format!("static/{index}"),
        });
    }
    groups
}

fn file_discovery(node: &Node, problems: &mut Problems<'_>) -> Option<DiscoveryOptions> {
    let files = node.get("files").map(Node::items).unwrap_or_default();
    if files.is_empty() {
        problems.error(node.span, "file service discovery config must contain at least one path name");
        return None;
    }
    for file in files {
        let text = file.as_text().unwrap_or("");
        let last = text.rsplit_once('/').map_or(text, |(_, last)| last);
        let known = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"].iter().any(|end| last.ends_with(end));
        let one_star = text.matches('*').count() <= 1 && last.matches('*').count() == text.matches('*').count();
        if !known || !one_star {
            let suggestion = Some("a path ends in .json, .yml or .yaml and may hold one * in its last part".to_owned());
            problems.error_with(file.span, format!("path name {} is not valid for file discovery", quote(text)), suggestion);
        }
    }
    Some(DiscoveryOptions::File {
        patterns: node.texts("files").into_iter().map(PathBuf::from).collect(),
        refresh_interval: node.duration("refresh_interval").filter(|value| value.0 > 0).unwrap_or(DurationMs::seconds(300)),
    })
}
