//! A checkpoint of PyTorch: whatever is accepted is a pickle whose values can be walked, and tensors within the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::import::{Checkpoint, Node};
use seq2seq_fuzz as _;

/// Looks at a value as an import does, and at those within, so many of them.
fn walk<'a>(checkpoint: &Checkpoint, node: Node<'a>, left: &mut usize, waiting: &mut Vec<Node<'a>>) {
    *left = left.saturating_sub(1);
    let _ = (node.text(), node.int(), node.float(), node.bytes(), node.is_true(), node.class(), node.get("vocab"));
    let _ = checkpoint.tensor("a tensor", node).map(|array| assert_eq!(array.shape.iter().product::<usize>(), array.data.len()));
    waiting.extend(node.items().into_iter().flatten().take(100));
    waiting.extend(node.pairs().into_iter().take(100).flat_map(|(key, value)| [key, value]));
    waiting.extend(node.arguments().into_iter().chain(node.state()).chain(node.persistent()));
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes.to_vec(), "checkpoint.pt") else { return };
    let (mut left, mut waiting) = (1000, checkpoint.root().into_iter().collect::<Vec<_>>());
    while let (1.., Some(node)) = (left, waiting.pop()) {
        walk(&checkpoint, node, &mut left, &mut waiting);
    }
    for name in checkpoint.tensor_names().into_iter().flatten().take(100) {
        let _ = checkpoint.named(&name);
    }
    let _ = seq2seq::import::import_checkpoint(&checkpoint);
});
