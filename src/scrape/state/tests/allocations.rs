//! A page whose lines are those of the scrape before costs no allocation per series: neither reading nor remembering them, nor the row.

use super::*;

/// Takes everything and keeps nothing.
struct Nowhere(u32);

impl Append for Nowhere {
    fn writer(&self, _key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(Nowhere(0)))
    }
}

impl RowWriter for Nowhere {
    fn column(&mut self, _labels: &Labels) -> Result<Column, AppendError> {
        self.0 += 1;
        Ok(Column(self.0 - 1))
    }

    fn describe(&mut self, _family: &str, _metadata: &Metadata) -> Result<(), AppendError> {
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        Ok(RowReport { accepted: row.cells.len(), ..RowReport::default() })
    }
}

/// Half of the values change with each scrape, some lines have their own times, as those of cAdvisor.
fn page(series: usize, scrape: usize) -> String {
    let mut page = "# TYPE requests_total counter\n# HELP requests_total Requests.\n".to_owned();
    for n in 0..series {
        let value = if n % 2 == 0 { (n * 1000 + scrape).to_string() } else { "0.25".to_owned() };
        page.push_str(&format!("requests_total{{path=\"/p/{n}\",code=\"200\"}} {value}\n"));
    }
    page.push_str("# TYPE temperature gauge\n");
    (0..series / 10).for_each(|n| page.push_str(&format!("temperature{{n=\"{n}\"}} {}\n", n as f64 / 7.0 + scrape as f64)));
    page
}

fn allocations(series: usize) -> u64 {
    let mut world = world(job());
    world.tools.append = Arc::new(Nowhere(0));
    world.state = TargetState::open(&setup(job()), &mut world.tools).unwrap();
    let pages: Vec<String> = (0..12).map(|scrape| page(series, scrape)).collect();
    let (mut most, mut at) = (0, 0);
    for (scrape, page) in pages.iter().enumerate() {
        at += 5_000;
        let mut scraped = None;
        let counted = allocation_counter::measure(|| scraped = Some(world.scrape(at, page)));
        assert_eq!(scraped.map(|scraped| scraped.error), Some(None));
        if scrape >= 4 {
            most = most.max(counted.count_total);
        }
    }
    most
}

#[test]
fn a_scrape_like_the_one_before_allocates_no_more_for_more_series() {
    let (few, many) = (allocations(100), allocations(5_000));
    assert!(few <= 16 && many <= 16, "{few} allocations for a page of 110 lines, {many} for one of 5500");
}
