//! Batches of pyarrow, minimized row by row. They come and go by Arrow's C data interface: no value becomes an object
//! of Python.

use arrow::record_batch::RecordBatch;
use arrow_pyarrow::{FromPyArrow, PyArrowType};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::path::PathBuf;
use tamis::cli::embedded::EmbeddedMinimizer;

/// What Python raises: an exit code, and the error as JSON.
type RefusedCall = (u8, String);

/// A job whose tokens and treatments are made row by row.
#[pyclass(frozen, name = "RowMinimizer", module = "tamis._native")]
pub struct PythonMinimizer(EmbeddedMinimizer);

/// Makes a job ready, or returns what is wrong.
#[pyfunction]
#[pyo3(signature = (dir, roots, job, as_of=None))]
pub fn row_minimizer(
    py: Python<'_>,
    dir: PathBuf,
    roots: Vec<(String, String)>,
    job: String,
    as_of: Option<String>,
) -> (Option<PythonMinimizer>, Option<RefusedCall>) {
    match py.detach(|| EmbeddedMinimizer::ready(&dir, &roots, &job, as_of.as_deref())) {
        Ok(ready) => (Some(PythonMinimizer(ready)), None),
        Err(refused) => (None, Some((refused.exit, refused.error.unwrap_or_default()))),
    }
}

#[pymethods]
impl PythonMinimizer {
    /// Minimizes a `pyarrow.RecordBatch`, with Python's lock free; or returns what is wrong.
    fn minimize(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, PyAny>,
    ) -> PyResult<(Option<PyArrowType<RecordBatch>>, Option<RefusedCall>)> {
        // What the bindings say of a batch may hold a value.
        let batch = RecordBatch::from_pyarrow_bound(batch)
            .map_err(|_| PyTypeError::new_err("this is no pyarrow.RecordBatch, or one whose bytes are broken"))?;
        Ok(match py.detach(|| self.0.minimize(&batch)) {
            Ok(minimized) => (Some(PyArrowType(minimized)), None),
            Err(refused) => (None, Some((refused.exit, refused.error.unwrap_or_default()))),
        })
    }

    /// Returns the ids of the keys in use: identity, token, and the name of the epoch.
    fn key_ids(&self) -> (String, String, String) {
        let ids = self.0.key_ids();
        (ids.identity.0.clone(), ids.token.0.clone(), ids.epoch.clone())
    }
}
