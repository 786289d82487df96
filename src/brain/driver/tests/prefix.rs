//! What requests begin with: the same words for as long as a session lasts, whoever goes on with it and on which day.

use super::*;

/// The bodies of the requests so far.
fn bodies(scene: &Scene) -> Vec<Value> {
    let body = |request: &String| request.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    scene.server.requests().iter().map(|request| serde_json::from_str(&body(request)).unwrap()).collect()
}

/// The next process, on another day, with nobody there.
async fn later(scene: Scene, script: Vec<Say>, date: &str) -> Scene {
    let Scene { folder, play, brain, .. } = scene;
    let session = brain.session().clone();
    drop(brain);
    let store = Store::open(&folder.path().join("brain.db")).unwrap();
    let server = Server::start(script);
    let (sender, events) = mpsc::channel(1024);
    let mut setup = setup(http(&server), false);
    setup.surroundings.date = date.to_owned();
    let brain = Brain::resume(setup, &session, store, play.connector(), sender).await.unwrap();
    Scene { folder, play, server, brain, events, ops: mpsc::channel(8) }
}

#[tokio::test]
async fn another_day_is_told_behind_what_was_said() {
    let mut scene = Scene::open(vec![runs("ls"), says("It was looked at."), says("Still so.")], true).await;
    scene.turn(|_| None).await;
    scene.turn(|_| None).await;
    let mut all = bodies(&scene);
    let mut scene = later(scene, vec![runs("pwd"), says("As it was.")], "2026-11-21").await;
    scene.turn(|_| None).await;
    all.extend(bodies(&scene));
    let mut scene = later(scene, vec![says("Yes.")], "2026-11-21").await;
    scene.turn(|_| None).await;
    all.extend(bodies(&scene));
    assert_eq!(all.len(), 6);
    for pair in all.windows(2) {
        let [before, after] = pair else { panic!() };
        assert_eq!(before["tools"], after["tools"]);
        let (before, after) = (before["messages"].as_array().unwrap(), after["messages"].as_array().unwrap());
        assert_eq!(after[..before.len()], before[..], "what was sent before is not what the next request begins with");
    }
    let last = all[5]["messages"].to_string();
    assert_eq!(
        (last.matches("the date is 2026-11-20").count(), last.matches("the date is 2026-11-21").count()),
        (1, 1)
    );
    assert!(!all[0]["messages"][0].to_string().contains("2026"), "a date stands in the system prompt");
    // It's a word to the model alone.
    let store = Store::open(&scene.database()).unwrap();
    let shown = format!("{:?}", store.transcript(scene.brain.session()).unwrap().entries());
    assert!(shown.contains("It was looked at.") && !shown.contains("the date is"), "{shown}");
}
