//! Packs an `api.json` on standard input as the catalog that the program carries; `scripts/models-snapshot` calls it. The
//! argument is the date of the data.

use std::error::Error;
use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let date = std::env::args().nth(1).ok_or("usage: models_snapshot DATE < api.json > models.pack")?.parse()?;
    let mut json = Vec::new();
    std::io::stdin().lock().read_to_end(&mut json)?;
    std::io::stdout().lock().write_all(&pryx_brain::pack_catalog(&json, date, None)?)?;
    Ok(())
}
