//! Figures and the lists behind them.

use serde_json::{Value, json};
use socai_domain::{decide::Who, time::Clock};

use crate::{
    handling::directed,
    world::{World, post_of, with},
};

fn march() -> Value {
    json!({ "from": "2026-03-01T00:00:00+07:00", "before": "2026-04-01T00:00:00+07:00" })
}

#[tokio::test]
async fn figures_equal_their_lists_and_the_past_stays_as_it_was() {
    let world = World::new().await;
    directed(&world).await;
    let before = world.clock.now();
    world.clock.pass_minutes(60);
    world.received().await;
    let query = "query($of: FiguresInput!, $asOf: DateTime, $at: Position) { processingStatistics(of: $of, asOf: $asOf,
        atLeast: $at) { documents { arrived registered inProcess late onTimeShare { among perMille } } branches { assigned } }
        lagStatistics(of: $of, asOf: $asOf, atLeast: $at) { lags { stage wall { count } }
        promptness { stage sameDay pending } paper { count } }
        countedDocuments(of: $of, figure: ARRIVED, asOf: $asOf) { totalCount } }";
    let now = world.ask(world.scene.leader, query, json!({ "of": march() })).await;
    let documents = &World::data(&now)["processingStatistics"]["documents"][0];
    assert_eq!((&documents["arrived"], &documents["inProcess"]), (&json!(2), &json!(1)));
    assert_eq!(World::data(&now)["lagStatistics"]["lags"][0]["wall"]["count"], 1);
    assert_eq!(
        World::data(&now)["lagStatistics"]["promptness"],
        json!([{ "stage": "REGISTERED", "sameDay": 1, "pending": 1 }, { "stage": "SUBMITTED", "sameDay": 1, "pending": 1 }])
    );
    assert_eq!(World::data(&now)["countedDocuments"]["totalCount"], 2);
    let then = world.ask(world.scene.leader, query, json!({ "of": march(), "asOf": before.to_string() })).await;
    assert_eq!(World::data(&then)["processingStatistics"]["documents"][0]["arrived"], 1);
    assert_eq!(World::data(&then)["countedDocuments"]["totalCount"], 1);
    let both = json!({ "of": march(), "asOf": before.to_string(), "at": world.head().await.to_string() });
    let refused = world.ask(world.scene.leader, query, both).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "AS_OF_AND_AT_LEAST");
    let outsider = world.ask(world.scene.outsider, query, json!({ "of": march() })).await;
    assert_eq!(World::data(&outsider)["processingStatistics"]["documents"][0]["arrived"], 0);
    let past = world.ask(world.scene.other_head, query, json!({ "of": march(), "asOf": before.to_string() })).await;
    assert_eq!(World::data(&past)["processingStatistics"]["documents"][0]["arrived"], 0, "of what they see");
}

/// `IN_PROCESS` as the field `inProcess`.
fn field(figure: &str) -> String {
    let mut words = figure.split('_');
    let first = words.next().unwrap_or_default().to_lowercase();
    words.fold(first, |name, word| name + &word[..1] + &word[1..].to_lowercase())
}

/// The figures of an enum, as the schema names them.
async fn figures(world: &World, name: &str) -> Vec<String> {
    let query = "query($name: String!) { __type(name: $name) { enumValues { name } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "name": name })).await;
    let values = World::data(&answer)["__type"]["enumValues"].as_array().unwrap().clone();
    values.iter().map(|value| value["name"].as_str().unwrap().to_owned()).collect()
}

/// How long a list is, page by page, and what it says of it.
async fn length(world: &World, who: Who, list: &str, arguments: &str, of: &Value) -> (u64, u64) {
    let query = format!(
        "query($of: FiguresInput!, $after: String) {{ {list}(of: $of, {arguments}, first: 1, after: $after) {{ totalCount \
         edges {{ node {{ __typename }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let (mut count, mut after) = (0, Value::Null);
    loop {
        let answer = world.ask(who, &query, json!({ "of": of, "after": after })).await;
        let page = &World::data(&answer)[list];
        count += page["edges"].as_array().unwrap().len() as u64;
        if page["pageInfo"]["hasNextPage"] == false {
            return (count, page["totalCount"].as_u64().unwrap());
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// One document given back to the clerk, one in a unit, one that nobody has registered.
async fn some_work(world: &World) {
    let (_, _) = directed(world).await;
    let paper = json!({ "channel": "INTERNAL" });
    let mut input = with(world.arrival(), paper);
    input["arriving"]["details"]["paperFollows"] = json!(true);
    let ticket = world.upload(world.scene.clerk, b"%PDF-1.7 khac").await;
    input["arriving"]["files"] = json!([{ "source": { "ticket": ticket }, "name": "cong-van.pdf", "role": "MAIN" }]);
    let answer = world.mutate(world.scene.clerk, "receiveIncoming", input).await;
    let id = answer["payload"]["document"]["id"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let to = json!({ "to": post_of(world.scene.leader) });
    World::data(&world.mutate(world.scene.clerk, "submitIncoming", with(world.on(&id), to)).await);
    let reason = json!({ "reason": "Trình sai lãnh đạo phụ trách" });
    let mutation = "mutation($input: ReasonInput!) { returnToClerk(input: $input) { receipt { changed } } }";
    let input = json!({ "input": with(world.on(&id), reason) });
    World::data(&world.ask(world.scene.leader, mutation, input).await);
    world.received().await;
    let electronic = with(world.arrival(), json!({ "channel": "INTERNAL" }));
    World::data(&world.mutate(world.scene.clerk, "receiveIncoming", electronic).await);
    world.views.wait_for(world.head().await, std::time::Duration::from_secs(30)).await.unwrap();
}

#[tokio::test]
async fn every_figure_has_its_list_and_an_outsider_finds_all_of_them_empty() {
    let world = World::new().await;
    some_work(&world).await;
    world.clock.pass_minutes(10);
    let of = march();
    let query = format!(
        "query($of: FiguresInput!) {{ processingStatistics(of: $of) {{ documents {{ {} }} branches {{ {} }} }}
         lagStatistics(of: $of) {{ lags {{ stage wall {{ count classes {{ moreThan atMost count }} }} }}
         promptness {{ stage {} }} rework {{ all: count open }}
         paper {{ all: count awaited actedMeanwhile resolvedMeanwhile firstActWaited }} }}
         savings(of: $of) {{ paperless withoutPages handling {{ count }} }} }}",
        figures(&world, "DocumentFigure").await.iter().map(|figure| field(figure)).collect::<Vec<_>>().join(" "),
        figures(&world, "BranchFigure").await.iter().map(|figure| field(figure)).collect::<Vec<_>>().join(" "),
        figures(&world, "PromptFigure").await.iter().map(|figure| field(figure)).collect::<Vec<_>>().join(" "),
    );
    for (who, sees) in [(world.scene.leader, true), (world.scene.outsider, false)] {
        let answer = world.ask(who, &query, json!({ "of": of })).await;
        let data = World::data(&answer);
        let (processing, lags) = (&data["processingStatistics"], &data["lagStatistics"]);
        // List, arguments, number.
        let mut lists: Vec<(&str, String, &Value)> = Vec::new();
        for figure in figures(&world, "DocumentFigure").await {
            let number = &processing["documents"][0][field(&figure)];
            lists.push(("countedDocuments", format!("figure: {figure}"), number));
        }
        for figure in figures(&world, "BranchFigure").await {
            lists.push(("countedBranches", format!("figure: {figure}"), &processing["branches"][0][field(&figure)]));
        }
        for line in lags["lags"].as_array().unwrap() {
            let stage = line["stage"].as_str().unwrap();
            lists.push(("lagDocuments", format!("stage: {stage}"), &line["wall"]["count"]));
            for class in line["wall"]["classes"].as_array().unwrap() {
                let took = format!("{{ clock: WALL, moreThan: {}, atMost: {} }}", class["moreThan"], class["atMost"]);
                lists.push(("lagDocuments", format!("stage: {stage}, took: {took}"), &class["count"]));
            }
        }
        for (line, figure) in [0, 1].into_iter().flat_map(|line| {
            let names = ["NORMAL", "SAME_DAY", "ON_TIME", "LATE", "LATE_OPEN", "PENDING", "URGENT", "URGENT_PENDING"];
            names.map(|name| (&lags["promptness"][line], name))
        }) {
            let arguments = format!("stage: {}, figure: {figure}", line["stage"].as_str().unwrap());
            lists.push(("promptDocuments", arguments, &line[field(figure)]));
        }
        for figure in figures(&world, "ReworkFigure").await {
            lists.push(("reworkSpells", format!("figure: {figure}"), &lags["rework"][field(&figure)]));
        }
        for figure in figures(&world, "PaperFigure").await {
            lists.push(("paperDocuments", format!("figure: {figure}"), &lags["paper"][field(&figure)]));
        }
        let saving = &data["savings"][0];
        for (figure, number) in [
            ("PAPERLESS", &saving["paperless"]),
            ("WITHOUT_PAGES", &saving["withoutPages"]),
            ("HANDLED", &saving["handling"]["count"]),
        ] {
            lists.push(("savedDocuments", format!("figure: {figure}"), number));
        }
        let mut filled = std::collections::HashSet::new();
        for (list, arguments, number) in lists {
            let number = number.as_u64().unwrap_or_else(|| panic!("{list}({arguments}) has no number"));
            assert_eq!(length(&world, who, list, &arguments, &of).await, (number, number), "{list}({arguments})");
            filled.extend((number > 0).then_some(list));
        }
        assert_eq!(filled.len(), if sees { 7 } else { 0 }, "{filled:?}");
    }
}

#[tokio::test]
async fn a_list_shows_what_is_counted_and_the_document_of_now() {
    let world = World::new().await;
    let (id, lead) = directed(&world).await;
    let then = world.clock.now();
    world.clock.pass_minutes(1);
    let done = json!({ "branch": lead, "result": "Đã xong" });
    World::data(&world.mutate(world.scene.head, "completeBranch", with(world.on(&id), done)).await);
    let query =
        "query($of: FiguresInput!, $asOf: DateTime) { countedBranches(of: $of, figure: IN_PROCESS, asOf: $asOf) {
        edges { node { id endedAs forUnit { name } documentId document { branches { ended { how } } } } } }
        countedDocuments(of: $of, figure: IN_PROCESS, asOf: $asOf) { edges { node { round endedAs
        document { id stage number document { id } } } } } }";
    let unit = world.scene.unit.to_string();
    for tree in ["OF_THEN", "OF_TODAY"] {
        let of = with(march(), json!({ "unit": unit, "unitTree": tree }));
        let answer = world.ask(world.scene.leader, query, json!({ "of": of, "asOf": then.to_string() })).await;
        let branch = &World::data(&answer)["countedBranches"]["edges"][0]["node"];
        assert_eq!(
            (&branch["id"], &branch["documentId"], &branch["endedAs"]),
            (&json!(lead), &json!(id), &Value::Null)
        );
        assert_eq!(branch["document"]["branches"][0]["ended"], Value::Null, "the document, too, is of then");
        let document = &World::data(&answer)["countedDocuments"]["edges"][0]["node"];
        assert_eq!(
            document["document"],
            json!({ "id": id, "stage": "DIRECTED", "number": 1, "document": { "id": id } })
        );
    }
    let now = world.ask(world.scene.leader, query, json!({ "of": march() })).await;
    assert_eq!(World::data(&now)["countedBranches"]["edges"], json!([]));
}

#[tokio::test]
async fn savings_show_their_inputs_and_results_only_where_parameters_are_decided() {
    let world = World::new().await;
    directed(&world).await;
    let query =
        "query($of: FiguresInput!, $at: Position) { savings(of: $of, atLeast: $at) { baseline { from pagePrice }
        handling { count } paperless copies pages timesFaster onPages onPost total } }";
    let saved = async |who, at: Value| {
        World::data(&world.ask(who, query, json!({ "of": march(), "at": at })).await)["savings"].clone()
    };
    let before = saved(world.scene.leader, Value::Null).await;
    let nothing = json!([{ "baseline": null, "handling": { "count": 0 }, "paperless": 0, "copies": 0, "pages": 0,
        "timesFaster": null, "onPages": null, "onPost": null, "total": null }]);
    assert_eq!(before, nothing, "paper saves nothing");
    let mutation = "mutation($input: DecideBaselineInput!) { decideBaseline(input: $input) { receipt { position } } }";
    let input = json!({ "commandId": world.command_id().to_string(), "from": "2026-02-01", "pagePrice": 300,
        "envelopePrice": 10_000 });
    let refused = world.ask(world.scene.leader, mutation, json!({ "input": input })).await;
    assert_eq!(World::error(&refused)["code"], "NOT_ENTITLED");
    let decided = world.ask(world.scene.administrator, mutation, json!({ "input": input })).await;
    let at = World::data(&decided)["decideBaseline"]["receipt"]["position"].clone();
    let electronic = with(world.arrival(), json!({ "channel": "INTERNAL" }));
    let arrived = world.mutate(world.scene.clerk, "receiveIncoming", electronic).await;
    let after = saved(world.scene.leader, arrived["payload"]["receipt"]["position"].clone()).await;
    assert_eq!(after[0]["baseline"], json!({ "from": "2026-02-01", "pagePrice": 300 }), "{at}");
    assert_eq!((&after[0]["paperless"], &after[0]["onPost"]), (&json!(1), &json!(10_000)));
    assert_eq!(
        (&after[0]["onPages"], &after[0]["total"], &after[0]["timesFaster"]),
        (&json!(0), &Value::Null, &Value::Null)
    );
    assert_eq!(saved(world.scene.outsider, Value::Null).await[0]["paperless"], 0);
}
