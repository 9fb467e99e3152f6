//! The waist of the house: the traits [`Append`] and [`Select`] with their contract. Nothing above knows which store is below.

pub mod append;
pub mod joined;
pub mod memory;
pub mod select;

pub use append::{Append, AppendError, Cell, Column, GroupKey, GroupSource, Rejected, Row, RowReport, RowWriter};
pub use joined::Joined;
pub use select::{Batch, ColumnValues, Hints, LabelPair, Select, SelectError, SeriesId, Snapshot, Symbol, Version};
