//! Every way in which a stored type could be changed by mistake is caught by the golden schema.

use std::collections::BTreeMap;

use postcard_schema::schema::owned::{
    OwnedDataModelType as Type, OwnedDataModelVariant as Variant, OwnedNamedType as Named, OwnedNamedValue as Field,
    OwnedNamedVariant as NamedVariant,
};

use super::{
    describe::{Line, catalogue, describe},
    same, stored,
};

/// Every definition that is this type's with one mistake in it, and what the mistake is.
fn mistakes(named: &Named) -> Vec<(String, Named)> {
    let mut all: Vec<(String, Type)> = Vec::new();
    match &named.ty {
        Type::Struct(fields) => {
            all.extend(in_fields(fields).into_iter().map(|(what, fields)| (what, Type::Struct(fields))));
        }
        Type::Enum(variants) => {
            all.extend(in_variants(variants).into_iter().map(|(what, variants)| (what, Type::Enum(variants))));
        }
        Type::NewtypeStruct(inner) => {
            all.extend(retyped(inner).into_iter().map(|(what, ty)| (what, Type::NewtypeStruct(Box::new(ty)))));
        }
        _ => {}
    }
    all.into_iter().map(|(what, ty)| (what, Named { name: named.name.clone(), ty })).collect()
}

fn in_variants(variants: &[NamedVariant]) -> Vec<(String, Vec<NamedVariant>)> {
    let mut all = Vec::new();
    let mut with = |what: String, change: &dyn Fn(&mut Vec<NamedVariant>)| {
        let mut changed = variants.to_vec();
        change(&mut changed);
        all.push((what, changed));
    };
    for at in 0..variants.len() {
        if at > 0 {
            with(format!("variants {} and {at} change places", at - 1), &|all| all.swap(at - 1, at));
        }
        with(format!("variant {at} is renamed"), &|all| all[at].name.push('X'));
        with(format!("variant {at} is removed"), &|all| drop(all.remove(at)));
        let inserted = || NamedVariant { name: "Inserted".into(), ty: Variant::UnitVariant };
        with(format!("a variant is inserted at {at}"), &|all| all.insert(at, inserted()));
        if let Variant::StructVariant(fields) = &variants[at].ty {
            for (what, fields) in in_fields(fields) {
                with(what, &|all| all[at].ty = Variant::StructVariant(fields.clone()));
            }
        }
    }
    all
}

fn in_fields(fields: &[Field]) -> Vec<(String, Vec<Field>)> {
    let mut all = Vec::new();
    let mut with = |what: String, change: &dyn Fn(&mut Vec<Field>)| {
        let mut changed = fields.to_vec();
        change(&mut changed);
        all.push((what, changed));
    };
    let inserted = || Field { name: "inserted".into(), ty: Named { name: "bool".into(), ty: Type::Bool } };
    for at in 0..=fields.len() {
        with(format!("a field is inserted at {at}"), &|all| all.insert(at, inserted()));
    }
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            with(format!("fields {} and {at} change places", at - 1), &|all| all.swap(at - 1, at));
        }
        with(format!("field {at} is renamed"), &|all| all[at].name.push('x'));
        with(format!("field {at} is removed"), &|all| drop(all.remove(at)));
        for (what, ty) in retyped(&field.ty) {
            with(format!("field {at} {what}"), &|all| all[at].ty = ty.clone());
        }
    }
    all
}

/// Other types for a field: made optional or not, one or many, another number.
fn retyped(named: &Named) -> Vec<(String, Named)> {
    let of = |ty| Named { name: named.name.clone(), ty };
    match &named.ty {
        Type::Option(inner) => {
            let deeper = retyped(inner).into_iter().map(|(what, inner)| (what, of(Type::Option(Box::new(inner)))));
            deeper.chain([("is not optional any more".to_owned(), (**inner).clone())]).collect()
        }
        Type::Seq(inner) => {
            let deeper = retyped(inner).into_iter().map(|(what, inner)| (what, of(Type::Seq(Box::new(inner)))));
            deeper.chain([("is one instead of many".to_owned(), (**inner).clone())]).collect()
        }
        ty => {
            let other = if *ty == Type::U32 { Type::I64 } else { Type::U32 };
            vec![
                ("is optional now".to_owned(), of(Type::Option(Box::new(named.clone())))),
                ("is of another type".to_owned(), Named { name: "other".into(), ty: other }),
            ]
        }
    }
}

/// Every type with a definition of its own in a schema.
fn defined(named: &Named, all: &mut BTreeMap<String, Named>) {
    if matches!(named.ty, Type::Struct(_) | Type::Enum(_) | Type::NewtypeStruct(_)) {
        all.insert(named.name.clone(), named.clone());
    }
    // Going through changes nothing here: it only looks at every part.
    mapped(named, &mut |part| {
        defined(part, all);
        part.clone()
    });
}

/// The schema with another definition of one type, wherever it stands.
fn replaced(named: &Named, with: &Named) -> Named {
    if named.name == with.name { with.clone() } else { mapped(named, &mut |part| replaced(part, with)) }
}

/// The schema with each of its direct parts mapped.
fn mapped(named: &Named, map: &mut dyn FnMut(&Named) -> Named) -> Named {
    fn fields(fields: &[Field], map: &mut dyn FnMut(&Named) -> Named) -> Vec<Field> {
        fields.iter().map(|field| Field { name: field.name.clone(), ty: map(&field.ty) }).collect()
    }
    let ty = match &named.ty {
        Type::Option(inner) => Type::Option(Box::new(map(inner))),
        Type::Seq(inner) => Type::Seq(Box::new(map(inner))),
        Type::NewtypeStruct(inner) => Type::NewtypeStruct(Box::new(map(inner))),
        Type::Struct(all) => Type::Struct(fields(all, map)),
        Type::Enum(variants) => {
            let variants = variants.iter().map(|variant| {
                let ty = match &variant.ty {
                    Variant::StructVariant(all) => Variant::StructVariant(fields(all, map)),
                    other => other.clone(),
                };
                NamedVariant { name: variant.name.clone(), ty }
            });
            Type::Enum(variants.collect())
        }
        other => other.clone(),
    };
    Named { name: named.name.clone(), ty }
}

fn check(golden: &str, lines: &[Line]) -> Result<(), String> {
    same(golden, &describe(lines)?)
}

fn golden() -> String {
    stored("golden/schema.txt", &describe(&catalogue()).unwrap())
}

#[test]
fn golden_schema_catches_every_mistake_in_every_type() {
    let (golden, lines) = (golden(), catalogue());
    assert_eq!(check(&golden, &lines), Ok(()));
    let mut types = BTreeMap::new();
    for line in &lines {
        defined(&line.schema, &mut types);
    }
    let mut tried = 0;
    for (name, definition) in &types {
        for (what, mistaken) in mistakes(definition) {
            let mut changed = lines.clone();
            for line in &mut changed {
                line.schema = replaced(&line.schema, &mistaken);
            }
            assert!(check(&golden, &changed).is_err(), "{name}: {what}");
            tried += 1;
        }
    }
    assert!(tried > 1_000, "{tried} mistakes in {} types", types.len());
}

#[test]
fn golden_schema_catches_mistakes_in_the_catalogue() {
    let golden = golden();
    let changed = |change: fn(&mut Vec<Line>)| {
        let mut lines = catalogue();
        change(&mut lines);
        check(&golden, &lines)
    };
    assert_eq!(changed(|_| {}), Ok(()));
    assert!(changed(|lines| lines[3].number += 1).is_err(), "another number");
    assert!(changed(|lines| lines[3].version += 1).is_err(), "another version");
    assert!(changed(|lines| lines[3].name.push('x')).is_err(), "another name");
    assert!(changed(|lines| lines[3].stream = lines[40].stream).is_err(), "another stream");
    assert!(changed(|lines| drop(lines.remove(3))).is_err(), "a line less");
    assert!(changed(|lines| lines.push(lines[3].clone())).is_err(), "a line more");
    assert!(changed(|lines| lines[3].schema = lines[4].schema.clone()).is_err(), "another type");
}
