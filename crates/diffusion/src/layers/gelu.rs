//! Gaussian error linear units by the error function, which diffusers computes; candle's layers approximate it by `tanh`.

use super::{erf::erf, numbers};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::f32::consts::FRAC_1_SQRT_2;

/// Rows a thread takes at a time, at least.
const ROWS: usize = 64;

/// `x * P(X <= x)`, number by number.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&Gelu)
}

/// The gated form: the first half of each row times the `gelu` of its second half.
pub(super) fn gated_gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&GatedGelu)
}

fn value(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let out: Vec<f32> = numbers(storage, layout)?.iter().map(|x| value(*x)).collect();
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

struct GatedGelu;

impl CustomOp1 for GatedGelu {
    fn name(&self) -> &'static str {
        "gated-gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((width, rows)) = layout.dims().split_last() else { bail!("a gated unit needs rows") };
        let half = width / 2;
        let x = numbers(storage, layout)?;
        let mut out = vec![0.0; x.len() / 2];
        out.par_chunks_mut(half).zip(x.par_chunks(*width)).with_min_len(ROWS).for_each(|(out, row)| {
            let (values, gates) = row.split_at(half);
            for ((out, x), gate) in out.iter_mut().zip(values).zip(gates) {
                *out = x * value(*gate);
            }
        });
        let mut dims = rows.to_vec();
        dims.push(half);
        Ok((CpuStorage::F32(out), dims.into()))
    }
}
