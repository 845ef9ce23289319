use safetensors::SafeTensors;
use seq2seq::backend::Backend;
use seq2seq::device::{DeviceRequest, Precision};
use seq2seq::gpu::Gpu;
use seq2seq::model::Model;
use seq2seq::nn::Seq2Seq;
use seq2seq::text::Batch;
fn main() {
    let dev: String = std::env::args().nth(1).unwrap();
    let prec = if std::env::args().nth(2).as_deref() == Some("f16") { Precision::F16 } else { Precision::F32 };
    let mut choices = seq2seq::gpu::Choices::best(prec);
    match std::env::args().nth(4).as_deref() {
        Some("nosub") => choices.subgroups = false,
        Some("noimm") => choices.immediates = false,
        Some(x) => choices.slices = x.parse().ok(),
        None => {}
    };
    let gpu = pollster::block_on(Gpu::open_with(&dev.parse::<DeviceRequest>().unwrap(), choices)).unwrap();
    println!("{} {:?}", gpu.adapter(), gpu.choices());
    let mut dirs: Vec<_> = std::fs::read_dir(std::env::args().nth(3).unwrap_or("/work/shared/fixtures".into()))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    dirs.sort();
    for dir in dirs {
        let model = Model::load(&dir).unwrap();
        let bytes = std::fs::read(dir.join("fixture.safetensors")).unwrap();
        let t = SafeTensors::deserialize(&bytes).unwrap();
        let ints = |n: &str| -> Vec<i64> { bytemuck::pod_collect_to_vec(t.tensor(n).unwrap().data()) };
        let floats = |n: &str| -> Vec<f64> { bytemuck::pod_collect_to_vec(t.tensor(n).unwrap().data()) };
        let rows = |n: &str, l: &str| -> Vec<Vec<u32>> {
            let v = ints(n);
            let l = ints(l);
            let w = v.len() / l.len();
            v.chunks(w).zip(&l).map(|(r, &l)| r[..l as usize].iter().map(|&x| x as u32).collect()).collect()
        };
        let src = rows("input.source", "input.source_lengths");
        let tgt = rows("input.target_in", "input.target_lengths");
        let source = Batch::new(&src, 0, model.config.encoder.vocab_size).unwrap();
        let target = Batch::new(&tgt, 0, model.config.decoder.vocab_size).unwrap();
        let net = Seq2Seq::new(&gpu, &model.config, &model.parameters).unwrap();
        let f = pollster::block_on(net.forced(&gpu, &source, &target)).unwrap();
        print!("{:36}", dir.file_name().unwrap().to_str().unwrap());
        for (name, got) in [
            ("memory", &f.memory),
            ("query", &f.query),
            ("attention_weights", &f.attention_weights),
            ("context", &f.context),
            ("attentional", &f.attentional),
            ("logits", &f.logits),
        ] {
            let want = floats(&format!("expected.{name}"));
            assert_eq!(want.len(), got.data.len());
            let cols = *got.shape.last().unwrap();
            let len = got.shape[1];
            let mut worst: f64 = 0.0;
            for (i, (g, w)) in got.data.iter().zip(&want).enumerate() {
                let (b, p) = (i / cols / len, i / cols % len);
                if name != "memory" && p >= tgt[b].len() {
                    continue;
                }
                let e = (*g as f64 - w).abs();
                if !(e <= worst) {
                    worst = e;
                }
            }
            print!(" {name} {worst:.1e}");
        }
        let greedy = pollster::block_on(seq2seq::decode::greedy(
            &gpu,
            &net,
            &source,
            seq2seq::decode::GreedyOptions { max_length: 12, alignment: true },
        ))
        .unwrap();
        let want = ints("expected.greedy");
        for (b, h) in greedy.iter().enumerate() {
            let w: Vec<u32> = want[b * 12..][..12].iter().map(|&x| x as u32).collect();
            let end = w.iter().position(|&x| x == 2).unwrap_or(12);
            if h.tokens != w[..end] {
                print!(" GREEDY DIFF {:?} {:?}", h.tokens, w);
            }
        }
        println!();
    }
    println!("{:?}", gpu.counters());
}
