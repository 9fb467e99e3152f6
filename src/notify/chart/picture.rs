//! A picture with a transparent ground: rectangles, strokes, dashes, dots and the signs of an axis, and its PNG.

use tiny_skia::{ColorU8, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};

use super::glyphs;

/// Red, green, blue, opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8, pub u8);

impl Color {
    /// `#rrggbb`; black where it is none.
    pub fn from_hex(text: &str) -> Self {
        let part = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0);
        Self(part(1), part(3), part(5), 255)
    }

    fn paint(self) -> Paint<'static> {
        let mut paint = Paint::default();
        paint.set_color_rgba8(self.0, self.1, self.2, self.3);
        paint.anti_alias = true;
        paint
    }
}

pub struct Picture {
    pixels: Pixmap,
    zoom: Transform,
}

impl Picture {
    /// Everything is drawn in the full size's measures and made as many times as large.
    pub fn new(width: u32, height: u32, zoom: f32) -> Option<Self> {
        let pixels = Pixmap::new((width as f32 * zoom) as u32, (height as f32 * zoom) as u32)?;
        Some(Self { pixels, zoom: Transform::from_scale(zoom, zoom) })
    }

    pub fn rectangle(&mut self, left: f32, top: f32, right: f32, bottom: f32, color: Color) {
        if let Some(rectangle) = Rect::from_ltrb(left, top, right, bottom) {
            self.pixels.fill_rect(rectangle, &color.paint(), self.zoom, None);
        }
    }

    pub fn stroke(&mut self, points: &[(f32, f32)], width: f32, color: Color) {
        if let [(x, y)] = points {
            return self.dot(*x, *y, width / 2.0, color);
        }
        self.stroke_with(points, color, &pen(width));
    }

    pub fn dashes(&mut self, from: (f32, f32), to: (f32, f32), width: f32, color: Color) {
        let pen = Stroke { line_cap: LineCap::Butt, dash: StrokeDash::new(vec![14.0, 10.0], 0.0), ..pen(width) };
        self.stroke_with(&[from, to], color, &pen);
    }

    pub fn dot(&mut self, x: f32, y: f32, radius: f32, color: Color) {
        if let Some(circle) = PathBuilder::from_circle(x, y, radius) {
            self.pixels.fill_path(&circle, &color.paint(), FillRule::Winding, self.zoom, None);
        }
    }

    /// The upper left corner is given.
    pub fn text(&mut self, text: &str, left: f32, top: f32, scale: f32, color: Color) {
        for (strokes, at) in glyphs::placed(text).0 {
            let place = |(x, y): &(u8, u8)| (left + (f32::from(at) + f32::from(*x)) * scale, top + f32::from(*y) * scale);
            for stroke in strokes {
                let points: Vec<(f32, f32)> = stroke.iter().map(place).collect();
                self.stroke(&points, 2.4, color);
            }
        }
    }

    pub fn text_width(text: &str, scale: f32) -> f32 {
        f32::from(glyphs::placed(text).1) * scale
    }

    fn stroke_with(&mut self, points: &[(f32, f32)], color: Color, pen: &Stroke) {
        let mut path = PathBuilder::new();
        for (n, (x, y)) in points.iter().enumerate() {
            if n == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
        if let Some(path) = path.finish() {
            self.pixels.stroke_path(&path, &color.paint(), pen, self.zoom, None);
        }
    }

    /// With a palette.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let pixels: Vec<ColorU8> = self.pixels.pixels().iter().map(|pixel| pixel.demultiply()).collect();
        let (palette, indices) = reduced(&pixels);
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.pixels.width(), self.pixels.height());
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect::<Vec<u8>>());
        encoder.set_trns(palette.iter().map(|color| color[3]).collect::<Vec<u8>>());
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&indices).ok()?;
        writer.finish().ok()?;
        Some(out)
    }
}

fn pen(width: f32) -> Stroke {
    Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() }
}

/// Bits of red, green, blue and opacity that are kept, each.
const BITS: u32 = 5;

/// At most 256 colours, the frequent ones, and each pixel's place among them. A rare colour becomes the nearest of these.
fn reduced(pixels: &[ColorU8]) -> (Vec<[u8; 4]>, Vec<u8>) {
    let keys: Vec<usize> = pixels.iter().map(key).collect();
    let mut counts = vec![0u32; 1 << (4 * BITS)];
    keys.iter().for_each(|key| counts[*key] += 1);
    let mut known: Vec<usize> = (0..counts.len()).filter(|key| counts[*key] > 0).collect();
    known.sort_by_key(|key| std::cmp::Reverse(counts[*key]));
    let palette: Vec<[u8; 4]> = known.iter().take(256).map(|key| color(*key)).collect();
    let distance = |a: &[u8; 4], b: &[u8; 4]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>();
    let mut places = vec![0u8; counts.len()];
    for (place, key) in known.iter().enumerate() {
        let wanted = color(*key);
        let nearest = || palette.iter().zip(0..=255).min_by_key(|(known, _)| distance(known, &wanted)).map_or(0, |(_, place)| place);
        places[*key] = u8::try_from(place).unwrap_or_else(|_| nearest());
    }
    (palette, keys.iter().map(|key| places[*key]).collect())
}

/// Shades that differ by less than the eye sees are one; so is everything that cannot be seen.
fn key(pixel: &ColorU8) -> usize {
    let part = |value: u8| usize::from(value >> (8 - BITS));
    match part(pixel.alpha()) {
        0 => 0,
        alpha => [pixel.red(), pixel.green(), pixel.blue()].into_iter().fold(alpha, |key, value| key << BITS | part(value)),
    }
}

/// Full stays full: what is opaque is not to become a veil.
fn color(key: usize) -> [u8; 4] {
    let full = (1 << BITS) - 1;
    let part = |place: u32| ((key >> (BITS * place) & full) * 255 / full) as u8;
    [part(2), part(1), part(0), part(3)]
}
