//! A small chart as a PNG: the course of an alert's value, the threshold dashed, the time in which it fired shaded. The ground is
//! transparent and the colours are of middle lightness, so that it can be read on a light page and on a dark one.

mod glyphs;
mod picture;
mod scale;

use super::evidence::Line;
use super::limits::CHART_BYTES_MAX;
use crate::model::{DurationMs, TimestampMs};
use picture::{Color, Picture};

/// Twice the size at which it is shown, so that it is sharp on screens of today.
pub const WIDTH: u32 = 1280;
pub const HEIGHT: u32 = 480;

/// The lines' colours, in order.
pub const COLORS: [&str; 5] = ["#3b82f6", "#e8740c", "#2f9e44", "#a855f7", "#0d9aa8"];
const RED: Color = Color(224, 49, 49, 255);
const SHADE: Color = Color(224, 49, 49, 38);
const GRID: Color = Color(128, 134, 145, 100);
const TEXT: Color = Color(128, 134, 145, 255);

const TOP: f32 = 22.0;
const BOTTOM: f32 = 54.0;
const RIGHT: f32 = 34.0;
/// Pixels of a sign's grid.
const TEXT_SCALE: f32 = 2.1;

/// What is drawn.
pub struct Plot<'a> {
    pub lines: Vec<&'a Line>,
    pub start: TimestampMs,
    pub end: TimestampMs,
    /// A longer pause between two points is a gap.
    pub step: DurationMs,
    pub threshold: Option<f64>,
    pub firing: Vec<(TimestampMs, TimestampMs)>,
}

/// The picture; none where there is nothing to see, or where it would be too large.
pub fn png(plot: &Plot<'_>) -> Option<Vec<u8>> {
    let values = || plot.lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value)).filter(|value| value.is_finite());
    if values().count() < 2 || plot.end.0 <= plot.start.0 {
        return None;
    }
    let all = || values().chain(plot.threshold.filter(|value| value.is_finite()));
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let scale = scale::scale(low, high)?;
    // What is too rich for the full size may do at half of it, where the noise is less.
    [1.0, 0.5].into_iter().find_map(|zoom| draw(plot, &scale, zoom)?.encode().filter(|bytes| bytes.len() <= CHART_BYTES_MAX))
}

fn draw(plot: &Plot<'_>, scale: &scale::Scale, zoom: f32) -> Option<Picture> {
    let mut picture = Picture::new(WIDTH, HEIGHT, zoom)?;
    let names = scale.names();
    let widest = names.iter().map(|name| Picture::text_width(name, TEXT_SCALE)).fold(0.0, f32::max);
    let frame = Frame { left: widest + 22.0, scale, plot };
    frame.ground(&mut picture, &names);
    for (line, color) in plot.lines.iter().zip(COLORS.iter().cycle()) {
        frame.line(&mut picture, line, Color::from_hex(color));
    }
    Some(picture)
}

/// Where values and times lie in the picture.
struct Frame<'a> {
    left: f32,
    scale: &'a scale::Scale,
    plot: &'a Plot<'a>,
}

impl Frame<'_> {
    fn x(&self, at: TimestampMs) -> f32 {
        let share = (at.0 - self.plot.start.0) as f64 / (self.plot.end.0 - self.plot.start.0) as f64;
        self.left + share.clamp(0.0, 1.0) as f32 * (WIDTH as f32 - RIGHT - self.left)
    }

    fn y(&self, value: f64) -> f32 {
        let height = HEIGHT as f32 - TOP - BOTTOM;
        TOP + height * (1.0 - self.scale.place(value))
    }

    /// Everything but the lines: shade, grid, names, threshold.
    fn ground(&self, picture: &mut Picture, names: &[String]) {
        let (right, floor) = (WIDTH as f32 - RIGHT, HEIGHT as f32 - BOTTOM);
        for (from, until) in &self.plot.firing {
            // An alert that has just begun is seen as well.
            let (from, until) = (self.x(*from), self.x(*until));
            let from = from.min(until - 6.0).max(self.left);
            picture.rectangle(from, TOP, until.max(from + 1.0), floor, SHADE);
        }
        for (mark, name) in self.scale.marks.iter().zip(names) {
            let y = self.y(*mark).round();
            picture.rectangle(self.left, y, right, y + 1.0, GRID);
            let width = Picture::text_width(name, TEXT_SCALE);
            picture.text(name, self.left - 12.0 - width, y - 5.0 * TEXT_SCALE, TEXT_SCALE, TEXT);
        }
        for (at, name) in scale::times(self.plot.start.0, self.plot.end.0) {
            let x = self.x(TimestampMs(at)).round();
            picture.rectangle(x, floor, x + 2.0, floor + 8.0, GRID);
            let width = Picture::text_width(&name, TEXT_SCALE);
            let left = (x - width / 2.0).min(WIDTH as f32 - width - 4.0).max(4.0);
            picture.text(&name, left, floor + 24.0, TEXT_SCALE, TEXT);
        }
        if let Some(threshold) = self.plot.threshold.filter(|value| value.is_finite()) {
            let y = self.y(threshold);
            picture.dashes((self.left, y), (right, y), 3.0, RED);
        }
    }

    fn line(&self, picture: &mut Picture, line: &Line, color: Color) {
        let gap = self.plot.step.0.saturating_mul(5) / 2;
        let mut run: Vec<(f32, f32)> = Vec::new();
        let mut last = None;
        for (at, value) in &line.points {
            let is_apart = last.is_some_and(|before: TimestampMs| at.0 - before.0 > gap);
            if is_apart || !value.is_finite() {
                picture.stroke(&std::mem::take(&mut run), 4.0, color);
            }
            if value.is_finite() {
                run.push((self.x(*at), self.y(*value)));
            }
            last = Some(*at);
        }
        if let Some((x, y)) = run.last() {
            picture.dot(*x, *y, 7.0, color);
        }
        picture.stroke(&run, 4.0, color);
    }
}

#[cfg(test)]
mod tests;
