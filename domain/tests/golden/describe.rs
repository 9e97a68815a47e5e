//! Schemas as text: one line an event, one block a type, all in an order of their own.

use std::{collections::BTreeMap, fmt::Write};

use postcard_schema::{
    Schema,
    schema::owned::{OwnedDataModelType as Type, OwnedDataModelVariant as Variant, OwnedNamedType as Named},
};
use socai_domain::ledger::{Context, StreamKind, catalogue::CATALOGUE};

/// A line of the catalogue, with a schema that can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) number: u16,
    pub(crate) name: String,
    pub(crate) version: u8,
    pub(crate) stream: StreamKind,
    pub(crate) schema: Named,
}

/// The catalogue as it is.
pub(crate) fn catalogue() -> Vec<Line> {
    let lines = CATALOGUE.iter().map(|entry| Line {
        number: entry.kind.number(),
        name: entry.name.to_owned(),
        version: entry.version,
        stream: entry.stream,
        schema: entry.schema.into(),
    });
    lines.collect()
}

/// A type by name: what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Written as this type.
    Newtype(String),
    /// Fields, with their types.
    Struct(Vec<(String, String)>),
    /// Variants, with their fields.
    Enum(Vec<(String, Vec<(String, String)>)>),
}

/// Every named type that stands in a schema.
#[derive(Debug, Default)]
pub(crate) struct Types(pub(crate) BTreeMap<String, Shape>);

impl Types {
    /// How a field of this type reads; the named types in it are noted. Two types of one name are an error.
    pub(crate) fn name(&mut self, named: &Named) -> Result<String, String> {
        let shape = match &named.ty {
            Type::Option(inner) => return Ok(format!("Option<{}>", self.name(inner)?)),
            Type::Seq(inner) => return Ok(format!("Vec<{}>", self.name(inner)?)),
            Type::Tuple(fields) if fields.windows(2).all(|pair| pair[0] == pair[1]) && !fields.is_empty() => {
                return Ok(format!("[{}; {}]", self.name(&fields[0])?, fields.len()));
            }
            Type::NewtypeStruct(inner) => Shape::Newtype(self.name(inner)?),
            Type::Struct(fields) => {
                Shape::Struct(self.fields(fields.iter().map(|field| (field.name.clone(), &field.ty)))?)
            }
            Type::Enum(variants) => {
                let variants = variants.iter().map(|variant| {
                    let fields = match &variant.ty {
                        Variant::UnitVariant => Vec::new(),
                        Variant::NewtypeVariant(inner) => self.fields([("0".to_owned(), &**inner)])?,
                        Variant::TupleVariant(fields) => {
                            self.fields((0..).zip(fields.iter()).map(|(at, field): (u32, _)| (at.to_string(), field)))?
                        }
                        Variant::StructVariant(fields) => {
                            self.fields(fields.iter().map(|field| (field.name.clone(), &field.ty)))?
                        }
                    };
                    Ok::<_, String>((variant.name.clone(), fields))
                });
                Shape::Enum(variants.collect::<Result<_, _>>()?)
            }
            primitive => return Ok(self::primitive(primitive)?.to_owned()),
        };
        match self.0.get(&named.name) {
            Some(other) if *other != shape => Err(format!("two types are called {}: {other:?}, {shape:?}", named.name)),
            _ => {
                self.0.insert(named.name.clone(), shape);
                Ok(named.name.clone())
            }
        }
    }

    fn fields<'a>(
        &mut self,
        fields: impl IntoIterator<Item = (String, &'a Named)>,
    ) -> Result<Vec<(String, String)>, String> {
        fields.into_iter().map(|(name, ty)| Ok((name, self.name(ty)?))).collect()
    }
}

fn primitive(ty: &Type) -> Result<&'static str, String> {
    Ok(match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::I16 => "i16",
        Type::I32 => "i32",
        Type::I64 => "i64",
        Type::String => "String",
        other => return Err(format!("{other:?} may not stand in a stored event")),
    })
}

/// All of it, as the golden file has it.
pub(crate) fn describe(lines: &[Line]) -> Result<String, String> {
    let mut types = Types::default();
    let mut text = String::from("# The context, before every event\n\n");
    let context = types.name(&<Context as Schema>::SCHEMA.into())?;
    let _ = writeln!(text, "{context}\n\n# Events: number, name@version, stream, type\n");
    for line in lines {
        let ty = types.name(&line.schema)?;
        let _ = writeln!(text, "{} {}@{} {} {ty}", line.number, line.name, line.version, line.stream.name());
    }
    text.push_str("\n# Types: ordinal, field or variant\n");
    for (name, shape) in &types.0 {
        match shape {
            Shape::Newtype(inner) => {
                let _ = writeln!(text, "\n{name} = {inner}");
            }
            Shape::Struct(fields) => {
                let _ = writeln!(text, "\nstruct {name}");
                for (ordinal, (field, ty)) in fields.iter().enumerate() {
                    let _ = writeln!(text, "  {ordinal} {field}: {ty}");
                }
            }
            Shape::Enum(variants) => {
                let _ = writeln!(text, "\nenum {name}");
                for (ordinal, (variant, fields)) in variants.iter().enumerate() {
                    let _ = writeln!(text, "  {ordinal} {variant}");
                    for (ordinal, (field, ty)) in fields.iter().enumerate() {
                        let _ = writeln!(text, "    {ordinal} {field}: {ty}");
                    }
                }
            }
        }
    }
    Ok(text)
}
