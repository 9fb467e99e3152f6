//! A growing set of small numbers, one bit each.

#[derive(Default, Clone)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub fn get(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    pub fn set(&mut self, at: u32) {
        let word = at as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (at % 64);
    }

    pub fn unset(&mut self, at: u32) {
        if let Some(word) = self.words.get_mut(at as usize / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    pub fn clear(&mut self) {
        self.words.clear();
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The numbers in `self` that are not in `other`, ascending.
    pub fn without<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = u32> + 'a {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = word & !other.words.get(at).copied().unwrap_or(0);
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }

    pub fn size_bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}
