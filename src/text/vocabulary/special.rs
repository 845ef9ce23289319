//! The tokens that are no text.

use tokenizers::AddedToken;

/// By their ids 0 … 3: padding, begin, end, and the unknown symbol.
pub const SPECIAL: [&str; 4] = ["<pad>", "<bos>", "<eos>", "<unk>"];

/// The special tokens, as a file declares them.
pub fn special() -> Vec<AddedToken> {
    SPECIAL.map(|token| AddedToken::from(token, true)).to_vec()
}
