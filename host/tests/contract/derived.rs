//! Contracts that differ from the one in `wit/` by one edit or several, and components that speak them.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve};

use crate::support::manifest;

/// The contract that this host speaks.
pub(crate) fn current() -> String {
    std::fs::read_to_string(manifest("../wit/source.wit")).unwrap()
}

/// A contract in which `from` was replaced, which must be there once.
pub(crate) fn edited(contract: &str, from: &str, to: &str) -> String {
    assert_eq!(contract.matches(from).count(), 1, "{from:?} is not there once");
    contract.replace(from, to)
}

/// The contract with another version.
pub(crate) fn versioned(contract: &str, version: &str) -> String {
    let line = contract.lines().find(|line| line.starts_with("package ")).unwrap();
    edited(contract, line, &format!("package backfill:source@{version};"))
}

/// Contract 1.0.0 with every addition that an old component bears: a function in an interface that sources import, a
/// new imported interface, a new optional interface.
pub(crate) fn later(contract: &str) -> String {
    let text = versioned(contract, "1.1.0");
    let setting = "    setting: func(name: string) -> option<string>;\n}\n";
    let text = edited(
        &text,
        setting,
        "    setting: func(name: string) -> option<string>;\n\n    /// Says how far the source has come.\n    \
         progress: func(share: f64);\n}\n\n/// When the call began.\ninterface clock {\n    use \
         types.{timestamp};\n\n    began: func() -> timestamp;\n}\n",
    );
    let text = edited(&text, "    import host;\n", "    import host;\n    import clock;\n");
    let text = edited(
        &text,
        "/// What every source is.\n",
        "/// Optional: what an upstream expects.\ninterface forecaster {\n    use types.{unit, series, \
         failure};\n\n    forecast: func(unit: unit) -> result<list<series>, failure>;\n}\n\n/// What every source \
         is.\n",
    );
    edited(&text, "    export catalog;\n", "    export catalog;\n    export forecaster;\n")
}

/// Parses a contract.
pub(crate) fn parsed(contract: &str) -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let package =
        resolve.push_str("source.wit", contract).unwrap_or_else(|error| panic!("{error:#}\n{contract}"));
    (resolve, package)
}

/// A component of a world of a contract, which imports and exports all of it and traps whatever it is asked.
pub(crate) fn component(contract: &str, world: &str) -> Vec<u8> {
    let (resolve, package) = parsed(contract);
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
