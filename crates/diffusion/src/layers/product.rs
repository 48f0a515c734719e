//! The matrix product, which is where the time goes. Candle's own asks the operating system for the number of cores
//! before every product, which takes a small model as long as multiplying does, and ignores the pool it runs in.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use gemm::{Parallelism, gemm};

/// Products of fewer multiplications are not shared among threads: it would cost more than it saves.
const SHARED: usize = 4 * 1024 * 1024;

/// What is added to a product.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bias<'a> {
    None,
    /// A number for each row.
    Rows(&'a [f32]),
    /// A number for each column.
    Columns(&'a [f32]),
}

/// `a * b + bias`, where `a` is of shape .., m, k and `b` of shape .., k, n, in any layout.
pub(super) fn product(a: &Tensor, b: &Tensor, bias: Bias<'_>) -> Result<Tensor> {
    a.apply_op2_no_bwd(b, &Product { bias })
}

struct Product<'a> {
    bias: Bias<'a>,
}

/// One operand: its numbers, and where its matrices lie among them.
struct Operand<'a> {
    numbers: &'a [f32],
    batch_dims: &'a [usize],
    batch_strides: &'a [usize],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Operand<'a> {
    fn new(storage: &'a CpuStorage, layout: &'a Layout) -> Result<Self> {
        let numbers = storage.as_slice::<f32>()?.get(layout.start_offset()..).unwrap_or_default();
        let ([batch_dims @ .., rows, columns], [batch_strides @ .., row_stride, column_stride]) =
            (layout.dims(), layout.stride())
        else {
            bail!("a matrix product needs matrices");
        };
        let (rows, columns, row_stride, column_stride) = (*rows, *columns, *row_stride, *column_stride);
        Ok(Self { numbers, batch_dims, batch_strides, rows, columns, row_stride, column_stride })
    }

    /// The numbers from the start of a matrix to its last, counted over all matrices of the batch.
    fn matrix(&self, index: usize) -> Result<&'a [f32]> {
        let mut rest = index;
        let mut from = 0;
        for (dim, stride) in self.batch_dims.iter().zip(self.batch_strides).rev() {
            from += rest % dim * stride;
            rest /= dim;
        }
        let last = from + (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride;
        let Some(matrix) = self.numbers.get(from..=last) else { bail!("a matrix beyond its storage") };
        Ok(matrix)
    }
}

impl Product<'_> {
    fn start(&self, rows: usize, columns: usize, matrices: usize) -> Result<Vec<f32>> {
        let out = match self.bias {
            Bias::None => vec![0.0; matrices * rows * columns],
            Bias::Rows(bias) if bias.len() == rows => {
                let matrix = bias.iter().flat_map(|bias| std::iter::repeat_n(*bias, columns));
                matrix.collect::<Vec<_>>().repeat(matrices)
            }
            Bias::Columns(bias) if bias.len() == columns => bias.repeat(matrices * rows),
            Bias::Rows(_) | Bias::Columns(_) => bail!("a bias of another size than the product"),
        };
        Ok(out)
    }

    fn adds(&self) -> bool {
        !matches!(self.bias, Bias::None)
    }
}

/// Adds `a * b` to `out`, or puts it there.
#[expect(unsafe_code, reason = "the library that multiplies takes pointers")]
fn multiply(
    out: &mut [f32],
    (a, a_shape): (&[f32], &Operand<'_>),
    (b, b_shape): (&[f32], &Operand<'_>),
    add: bool,
) {
    let (m, k, n) = (a_shape.rows, a_shape.columns, b_shape.columns);
    debug_assert_eq!(out.len(), m * n);
    let threads = rayon::current_num_threads();
    let shared = threads > 1 && m.saturating_mul(k).saturating_mul(n) >= SHARED;
    let parallelism = if shared { Parallelism::Rayon(threads) } else { Parallelism::None };
    let stride = usize::cast_signed;
    // SAFETY: `out` holds m * n numbers, row by row. `a` and `b` come from `Operand::matrix`, which took the slice up
    // to the last number that these strides reach. None of them overlaps `out`, which was made for this product.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride(n),
            add,
            a.as_ptr(),
            stride(a_shape.column_stride),
            stride(a_shape.row_stride),
            b.as_ptr(),
            stride(b_shape.column_stride),
            stride(b_shape.row_stride),
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

impl CustomOp2 for Product<'_> {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (Operand::new(a, a_layout)?, Operand::new(b, b_layout)?);
        let (rows, columns) = (a.rows, b.columns);
        if a.columns != b.rows || a.batch_dims != b.batch_dims || rows * columns * a.columns == 0 {
            bail!("no product of {:?} and {:?}", a_layout.dims(), b_layout.dims());
        }
        let matrices = a.batch_dims.iter().product();
        let mut out = self.start(rows, columns, matrices)?;
        for (i, out) in out.chunks_mut(rows * columns).enumerate() {
            multiply(out, (a.matrix(i)?, &a), (b.matrix(i)?, &b), self.adds());
        }
        let dims = [a.batch_dims, &[rows, columns]].concat();
        Ok((CpuStorage::F32(out), dims.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn counting(dims: &[usize]) -> Tensor {
        let count: usize = dims.iter().product();
        let values = (0..count).map(|i| (i % 7) as f32 - 3.0);
        Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(dims).unwrap()
    }

    fn assert_same(a: &Tensor, b: &Tensor) {
        assert_eq!(a.dims(), b.dims());
        let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(numbers(a), numbers(b));
    }

    #[test]
    fn it_is_the_product_of_candle_in_any_layout() {
        let (a, b) = (counting(&[2, 5, 3, 4]), counting(&[2, 5, 6, 4]).transpose(2, 3).unwrap());
        assert_same(&product(&a, &b, Bias::None).unwrap(), &a.matmul(&b.contiguous().unwrap()).unwrap());
        let (a, b) = (a.transpose(1, 2).unwrap(), counting(&[2, 3, 4, 2]));
        assert_same(&product(&a, &b, Bias::None).unwrap(), &a.contiguous().unwrap().matmul(&b).unwrap());
    }

    #[test]
    fn a_bias_is_added_to_rows_or_columns() {
        let (a, b) = (counting(&[2, 3]), counting(&[3, 4]));
        let plain = a.matmul(&b).unwrap();
        let (rows, columns) = (counting(&[2, 1]), counting(&[4]));
        let bias = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let with_rows = product(&a, &b, Bias::Rows(&bias(&rows))).unwrap();
        assert_same(&with_rows, &plain.broadcast_add(&rows).unwrap());
        let with_columns = product(&a, &b, Bias::Columns(&bias(&columns))).unwrap();
        assert_same(&with_columns, &plain.broadcast_add(&columns).unwrap());
    }

    #[test]
    fn sizes_that_do_not_fit_are_an_error() {
        let (a, b) = (counting(&[2, 3]), counting(&[4, 2]));
        assert!(product(&a, &b, Bias::None).is_err());
        assert!(product(&a, &counting(&[3, 2]), Bias::Rows(&[1.0])).is_err());
    }
}
