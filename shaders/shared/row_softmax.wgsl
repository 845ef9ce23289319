// What softmax needs of a row of logits. A workgroup a row.

#import reduce
#import softmax

@group(0) @binding(0) var<storage, read> logits: array<f32>; // (rows, cols)

// Of the `cols` elements from `first` on, in every thread.
fn row_softmax(thread: u32, first: u32, cols: u32) -> Softmax {
    var largest = logits[first];
    for (var col = thread; col < cols; col += REDUCE_THREADS) {
        largest = max(largest, logits[first + col]);
    }
    largest = workgroup_max(thread, largest);
    var sum = 0.0;
    for (var col = thread; col < cols; col += REDUCE_THREADS) {
        sum += exp(logits[first + col] - largest);
    }
    return Softmax(largest, workgroup_sum(thread, sum));
}
