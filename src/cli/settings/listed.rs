//! The settings by name, with what holds where nobody says anything and the variable that beats the file.

use super::Settings;
use toml_edit::{Array, Value};

/// A setting.
pub struct Listed {
    /// As the file has it, with dots.
    pub name: &'static str,
    /// What holds else; none where that depends on what is found.
    pub default: Option<Value>,
    /// The variable that beats the file.
    pub variable: Option<&'static str>,
}

/// Tables whose entries people name themselves.
pub const NAMED: [&str; 3] = ["folders", "providers", "models"];

/// All but those in tables of [`NAMED`].
pub fn listed() -> Vec<Listed> {
    let Settings { hands, logs, privacy, catalog, .. } = Settings::default();
    let number = |number: u32| Some(Value::from(i64::from(number)));
    let none = || Some(Value::from(Array::new()));
    let all = [
        ("model", None, Some("PRYX_MODEL")),
        ("think", None, Some("PRYX_THINK")),
        ("mode", Some(Value::from(super::DEFAULT_MODE)), None),
        ("fallback", none(), None),
        ("host", Some(Value::from("local")), Some("PRYX_HOST")),
        ("terminal", None, None),
        ("catalog.refresh", Some(Value::from(catalog.refresh)), Some("PRYX_CATALOG_URL")),
        ("catalog.url", Some(Value::from(catalog.url)), Some("PRYX_CATALOG_URL")),
        ("hands.idle_minutes", Some(Value::from(hands.idle_minutes)), Some("PRYX_IDLE_MINUTES")),
        ("hands.approval_minutes", Some(Value::from(hands.approval_minutes)), Some("PRYX_APPROVAL_MINUTES")),
        ("logs.max_age_days", number(logs.max_age_days), None),
        ("logs.max_total_mb", number(logs.max_total_mb), None),
        ("logs.keep_last", number(logs.keep_last), None),
        ("sandbox.writable", none(), None),
        ("sandbox.ports", none(), None),
        ("privacy.redact_for_model", Some(Value::from(privacy.redact_for_model)), None),
    ];
    all.into_iter().map(|(name, default, variable)| Listed { name, default, variable }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What the reader says it would have taken instead of a name that nobody has.
    fn taken(table: &str) -> Vec<String> {
        let text = if table.is_empty() { "zzz = 1".to_owned() } else { format!("[{table}]\nzzz = 1") };
        let words = Settings::parse(Path::new("x"), &text).unwrap_err().words().0;
        let names = words.split('`').skip(3).step_by(2);
        let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
        names.map(|name| format!("{prefix}{name}")).collect()
    }

    #[test]
    fn every_setting_is_listed_and_every_listed_one_is_read() {
        let names: Vec<&str> = listed().iter().map(|listed| listed.name).collect();
        let mut read = Vec::new();
        for name in taken("") {
            if name == "schema" || NAMED.contains(&name.as_str()) {
                continue;
            }
            let is_table = Settings::parse(Path::new("x"), &format!("[{name}]\n")).is_ok();
            read.extend(if is_table { taken(&name) } else { vec![name] });
        }
        read.sort();
        let mut sorted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        sorted.sort();
        assert_eq!(sorted, read);
    }

    /// The names that the schema has at a place.
    fn described(place: &str) -> Vec<String> {
        let schema: serde_json::Value = serde_json::from_str(crate::cli::config::SCHEMA).unwrap();
        let object = schema.pointer(place).and_then(|at| at["properties"].as_object()).unwrap();
        object.keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_names_that_are_read() {
        let read = |table: &str| {
            let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
            let mut names: Vec<String> =
                taken(table).iter().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect();
            names.sort();
            names
        };
        for (table, place) in [
            ("", ""),
            ("hands", "/properties/hands"),
            ("logs", "/properties/logs"),
            ("catalog", "/properties/catalog"),
            ("sandbox", "/properties/sandbox"),
            ("privacy", "/properties/privacy"),
            ("folders.x", "/properties/folders/additionalProperties"),
            ("providers.x", "/$defs/provider"),
            ("providers.x.login", "/$defs/provider/properties/login"),
            ("models.x", "/$defs/model"),
            ("models.x.price", "/$defs/model/properties/price"),
        ] {
            let mut described = described(place);
            described.sort();
            assert_eq!(described, read(table), "{table}");
        }
    }

    #[test]
    fn the_defaults_can_be_written() {
        for listed in listed() {
            let Some(default) = listed.default else { continue };
            let text = format!("{} = {default}\n", listed.name);
            assert!(Settings::parse(Path::new("x"), &text).is_ok(), "{text}");
        }
    }
}
