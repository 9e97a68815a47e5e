//! What happens to an incoming document (văn bản đến), from arrival to resolution.

mod arrival;
mod ending;
mod work;

pub use arrival::*;
pub use ending::*;
pub use work::*;
