//! Every code that an error of the API can carry: the domain's refusals and what can go wrong around them.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::Field,
    registry::{Deprecation, MetaEnumValue, MetaType, MetaTypeId, Registry},
};
use async_trait::async_trait;
use socai_domain::refusal::Code;

use super::Retry;
use crate::language::Language;

macro_rules! api_codes {
    ($($(#[$meta:meta])* $code:ident $name:literal $retry:ident $en:literal $vi:literal),* $(,)?) => {
        /// What can go wrong before or beside a decision.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ApiCode { $(#[doc = $en] $code),* }

        impl ApiCode {
            const ALL: &'static [Self] = &[$(Self::$code),*];

            fn name(self) -> &'static str {
                match self { $(Self::$code => $name),* }
            }

            fn retry(self) -> Retry {
                match self { $(Self::$code => Retry::$retry),* }
            }

            fn en(self) -> &'static str {
                match self { $(Self::$code => $en),* }
            }

            fn vi(self) -> &'static str {
                match self { $(Self::$code => $vi),* }
            }
        }
    };
}

// One line a code: name, as the API writes it, what the client may do next, English, Vietnamese.
api_codes! {
    Unauthenticated "UNAUTHENTICATED" Never "Send a valid access token: Authorization: Bearer …" "Hãy gửi mã truy cập còn hiệu lực: Authorization: Bearer …",
    BadRequest "BAD_REQUEST" Never "The request cannot be read or does not fit the schema." "Không đọc được yêu cầu, hoặc yêu cầu không đúng lược đồ.",
    TooComplex "TOO_COMPLEX" Never "The request asks for too much at once: ask for less, or page by page." "Yêu cầu quá lớn: hãy hỏi ít hơn hoặc theo từng trang.",
    RateLimited "RATE_LIMITED" Later "Too many requests in a short time: wait a little." "Quá nhiều yêu cầu trong thời gian ngắn: hãy đợi một lát.",
    NotYet "NOT_YET" Later "The views have not come that far yet: ask again in a moment." "Dữ liệu tra cứu chưa cập nhật tới đó: hãy hỏi lại sau giây lát.",
    ForeignPosition "FOREIGN_POSITION" Never "This position belongs to another ledger or lies beyond this one's end: reload." "Vị trí này thuộc sổ cái khác hoặc vượt quá cuối sổ cái: hãy tải lại.",
    TimedOut "TIMED_OUT" Later "It took too long: try again, or ask for less." "Quá thời gian chờ: hãy thử lại hoặc hỏi ít hơn.",
    ShuttingDown "SHUTTING_DOWN" Later "The server is stopping: try again in a moment." "Máy chủ đang dừng: hãy thử lại sau giây lát.",
    TicketInvalid "TICKET_INVALID" Never "This upload ticket is not yours, it is older than 24 hours, or its file was removed: upload the file again." "Phiếu tải lên không phải của bạn, đã quá 24 giờ hoặc tệp đã bị gỡ: hãy tải tệp lên lại.",
    AsOfFuture "AS_OF_FUTURE" Never "asOf is a moment that is not yet past." "asOf phải là thời điểm đã qua.",
    AsOfAndAtLeast "AS_OF_AND_AT_LEAST" Never "asOf and atLeast exclude each other: give one of them." "asOf và atLeast loại trừ nhau: chỉ dùng một trong hai.",
    PastBusy "PAST_BUSY" Later "Other past moments are being read from the ledger: ask again in a moment." "Máy chủ đang đọc lại các thời điểm khác từ sổ cái: hãy hỏi lại sau giây lát.",
    PastTooLarge "PAST_TOO_LARGE" Never "That moment is too much for the server to read from the ledger: ask the operator for `socai stats --as-of`." "Thời điểm này quá lớn để máy chủ đọc lại từ sổ cái: hãy đề nghị quản trị viên dùng `socai stats --as-of`.",
    Internal "INTERNAL" Later "Something went wrong on the server. Tell the operator the correlation id." "Máy chủ gặp lỗi. Hãy báo quản trị viên mã correlationId.",
}

/// The code of an error: a refusal of the domain or one of the API's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The domain said no.
    Refusal(Code),
    /// Something around the decision.
    Api(ApiCode),
}

impl From<Code> for ErrorCode {
    fn from(code: Code) -> Self {
        Self::Refusal(code)
    }
}

impl From<ApiCode> for ErrorCode {
    fn from(code: ApiCode) -> Self {
        Self::Api(code)
    }
}

impl ErrorCode {
    /// Every code, the domain's first.
    pub fn all() -> impl Iterator<Item = Self> {
        let refusals = Code::ALL.iter().copied().map(Self::Refusal);
        refusals.chain(ApiCode::ALL.iter().copied().map(Self::Api))
    }

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refusal(code) => code.name(),
            Self::Api(code) => code.name(),
        }
    }

    /// The rule it comes from, as a reader of this language finds it.
    pub fn article(self, language: Language) -> Option<String> {
        match self {
            Self::Refusal(code) => code.article().map(|article| crate::schema::labels::article(article, language)),
            Self::Api(_) => None,
        }
    }

    /// The message that is safe for everybody.
    pub fn message(self, language: Language) -> &'static str {
        match self {
            Self::Refusal(code) => language.choose(code.vi(), code.en()),
            Self::Api(code) => language.choose(code.vi(), code.en()),
        }
    }

    /// What the client may do next, unless the refusal says otherwise.
    pub fn retry(self) -> Retry {
        match self {
            Self::Refusal(Code::ChangedSince) => Retry::Reload,
            Self::Refusal(Code::Busy) => Retry::Later,
            Self::Refusal(Code::OutcomeUnknown) => Retry::Verbatim,
            Self::Refusal(_) => Retry::Never,
            Self::Api(code) => code.retry(),
        }
    }

    fn description(self) -> String {
        let (en, vi) = (self.message(Language::En), self.message(Language::Vi));
        let article = self.article(Language::En).map(|article| format!(" [{article}]"));
        format!("{en} ({vi}){}", article.unwrap_or_default())
    }
}

// By hand, because the values come from the domain's table and are not written down twice.
#[async_trait]
impl OutputType for ErrorCode {
    fn type_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| meta())
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(self.to_value())
    }
}

impl InputType for ErrorCode {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, |_| meta())
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let name = match value.unwrap_or_default() {
            Value::Enum(name) => name.to_string(),
            Value::String(name) => name,
            value => return Err(InputValueError::expected_type(value)),
        };
        Self::all().find(|code| code.name() == name).ok_or_else(|| InputValueError::custom("no such error code"))
    }

    fn to_value(&self) -> Value {
        Value::Enum(async_graphql::Name::new(self.name()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

fn meta() -> MetaType {
    let value = |code: ErrorCode| {
        let value = MetaEnumValue {
            name: code.name().to_owned(),
            description: Some(code.description()),
            deprecation: Deprecation::NoDeprecated,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            directive_invocations: Vec::new(),
        };
        (value.name.clone(), value)
    };
    MetaType::Enum {
        name: "ErrorCode".to_owned(),
        description: Some(
            "Every code in `extensions.code` of an error (mã lỗi). Codes are only ever added.".to_owned(),
        ),
        enum_values: ErrorCode::all().map(value).collect::<IndexMap<_, _>>(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: Some(std::any::type_name::<ErrorCode>()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_code_is_named_twice_and_all_speak_both_languages() {
        let names: HashSet<_> = ErrorCode::all().map(ErrorCode::name).collect();
        assert_eq!(names.len(), ErrorCode::all().count());
        for code in ErrorCode::all() {
            assert_ne!(code.message(Language::Vi), code.message(Language::En), "{}", code.name());
        }
    }
}
