//! An amount of bytes, shown to people in binary units.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of bytes; `Display` gives `312 B`, `4.0 KiB`, `1.2 GiB`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut scaled = self.0;
        let mut unit = 0;
        while scaled >= 1024 * 1024 && unit + 1 < UNITS.len() {
            scaled /= 1024;
            unit += 1;
        }
        let tenths = scaled * 10 / 1024;
        f.pad(&format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]))
    }
}

#[cfg(test)]
mod tests {
    use super::ByteCount;

    #[test]
    fn units() {
        let shown = [0, 312, 1024, 1536, 1024 * 1024, 1_288_490_189].map(|n| ByteCount(n).to_string());
        assert_eq!(shown, ["0 B", "312 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.1 GiB"]);
    }
}
