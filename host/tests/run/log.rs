//! What a run tells on standard error where that is no terminal: a plain line per step, and a log of JSON lines.

use serde_json::Value;

use crate::{fault, folder_at, simulator};

#[tokio::test]
async fn every_line_about_a_task_names_job_task_unit_and_source_also_those_that_the_source_wrote() {
    let simulator = simulator().await;
    // The host has something to say of this one.
    simulator.set_faults(fault("kind=status,status=503,times=1,path=B1610"));
    let folder = folder_at(&simulator, &["elexon"], "");
    folder.import("windfarm,source,code\nHornsea,elexon,HOWAO-1\n").await;
    let ran = folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    let (log, steps): (Vec<&str>, Vec<&str>) = ran.err.lines().partition(|line| line.starts_with('{'));
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(steps[0].starts_with("[1/1] elexon HOWAO-1 2024-02: "), "{}", steps[0]);

    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_task: Vec<_> = lines.iter().filter(|line| line["span"]["name"] == "task").collect();
    assert!(of_task.iter().any(|line| line["target"] == "source"), "{log:?}");
    for line in of_task {
        for (name, id) in
            [("job", 1.into()), ("task", 1.into()), ("unit", 1.into()), ("source", Value::from("elexon"))]
        {
            assert_eq!(line["span"][name], id, "{line}");
        }
    }
    let stray = lines.iter().find(|line| line["target"] == "source" && line["span"]["task"].is_null());
    assert_eq!(stray, None, "a line of a source that names no task");
}
