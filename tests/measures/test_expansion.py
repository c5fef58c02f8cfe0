"""[EXP.*] against the written-out sums and products in 60 digits, and against a simulation by explicit loops."""

import mpmath as mp
import numpy as np
import pytest

from engine.cells import make_cell
from engine.measures import expansion

EPSILONS = [3e-5, 1e-5, 1e-3, 0.3, 1.0]


def random_parts(T=9, members=2, H=4, seed=5):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.6, (T, members, H, H)), rng.normal(0, 0.2, (T, members, H, H))


def exact_errors(A, B, epsilons):
    """E(eps) and ||F(1)||_F in 60 digits from [EXP.F], [EXP.L] and [EXP.E] as they are written, A and B (T, H, H)."""
    with mp.workdps(60):
        A, B = ([mp.matrix(M.tolist()) for M in part] for part in (A, B))
        T, H = len(A), A[0].rows

        def product(factors):
            out = mp.eye(H)
            for M in factors:
                out = M * out
            return out

        def norm(M):
            return mp.sqrt(sum(x**2 for x in M))

        def F(eps):
            return product([a + mp.mpf(eps) * b for a, b in zip(A, B, strict=True)])

        L = mp.zeros(H)
        for i in range(T):
            L += product([*A[:i], B[i], *A[i + 1 :]])
        F0 = product(A)
        return [norm(F(eps) - (F0 + mp.mpf(eps) * L)) for eps in epsilons], norm(F(1))


def test_errors_equal_the_definition_in_60_digits():
    A, B = random_parts()
    log_C2, log_F = expansion.error_logs(zip(A, B, strict=True), np.array(EPSILONS))
    for m in range(A.shape[1]):
        errors, F_at_1 = exact_errors(A[:, m], B[:, m], EPSILONS)
        # 9 products of 4 x 4 matrices: some 1e-15 of rounding; a difference in double precision would be off by
        # 1e-16 / eps^2 = 1e-6 at the smallest eps.
        assert [float(mp.log(e)) for e in errors] == pytest.approx(log_C2[m] + 2 * np.log(EPSILONS), abs=1e-13)
        assert float(mp.log(F_at_1)) == pytest.approx(log_F[m], abs=1e-13)


def test_errors_equal_the_direct_difference_where_that_is_accurate():
    A, B = random_parts(T=60, members=3, H=16)
    A /= 1.5
    log_C2, log_F = expansion.error_logs(zip(A, B, strict=True), np.array([0.3, 1.0]))
    for m in range(A.shape[1]):
        products = [np.eye(16), np.eye(16), np.eye(16)]
        L = np.zeros((16, 16))
        for a, b in zip(A[:, m], B[:, m], strict=True):
            L = a @ L + b @ products[0]
            products = [(a + eps * b) @ F for eps, F in zip((0, 0.3, 1), products, strict=True)]
        for i, eps in enumerate((0.3, 1.0)):
            # E is of the order of F here, so the subtraction loses one digit at most of 1e-15 times 60 steps.
            E = np.linalg.norm(products[i + 1] - products[0] - eps * L)
            assert np.exp(log_C2[m, i]) * eps**2 == pytest.approx(E, rel=1e-11)
        assert np.exp(log_F[m]) == pytest.approx(np.linalg.norm(products[2]), rel=1e-12)


def test_nothing_underflows_or_overflows_and_scaling_does_not_round():
    A, B = random_parts(T=700)
    eps = np.array([1e-3])
    plain = expansion.error_logs(zip(A, B, strict=True), eps)
    for factor in (2.0**-6, 2.0**6):  # the product shrinks or grows by 2^4200, far outside float64
        scaled = expansion.error_logs(zip(factor * A, factor * B, strict=True), eps)
        for before, after in zip(plain, scaled, strict=True):
            # a power of two changes no digit of a product; the logs near 3000 are rounded to 5e-13.
            np.testing.assert_allclose(after - before, 700 * np.log(factor), rtol=0, atol=2e-12)


def test_a_vanishing_gate_term_has_no_error_and_no_slope():
    found = expansion.measure_untrained(make_cell("plain", 5, 2), [1], T=7, epsilons=EPSILONS)
    assert not found["truncation_error"].any() and not found["relative_error"].any()
    assert not found["correction_norm"].any() and not found["correction_ratio"].any()
    assert np.isnan(found["error_slope"]).all()


def test_slope_is_that_of_the_five_smallest_eps_in_any_order():
    eps = np.array([1.0, 1e-5, 3e-3, 1e-4, 1e-2, 3e-5, 1e-3, 3e-4])
    log_C2 = np.random.default_rng(6).normal(size=(1, 8))
    found = expansion.summarize(eps, log_C2, np.zeros(1), np.zeros(1))
    smallest = [1, 3, 5, 6, 7]
    expected = np.polyfit(np.log(eps[smallest]), (log_C2[0] + 2 * np.log(eps))[smallest], 1)[0]
    assert found["error_slope"] == pytest.approx([expected], rel=1e-12)  # a well-conditioned fit of five points
    np.testing.assert_allclose(found["truncation_error"], np.exp(log_C2) * eps**2, rtol=1e-14)


def test_spectral_norms_equal_the_largest_singular_value():
    A, B = random_parts(H=12)
    B[:, 0, 1:] = 0  # rank 1, as for a scalar gate
    found = expansion.step_norms(zip(A, B, strict=True))
    for name, part in (("dominant_norm", A), ("correction_norm", B)):
        # the Gram matrix squares the values, but the largest keeps its relative rounding error.
        np.testing.assert_allclose(found[name].T, np.linalg.svd(part)[1][..., 0], rtol=1e-14)
    np.testing.assert_array_equal(found["correction_ratio"], found["correction_norm"] / found["dominant_norm"])


@pytest.mark.parametrize("name", ["scalar", "multi"])
def test_measure_equals_a_simulation_by_loops(name):
    """A and B by complex step of the written equations, with the gate or the rest held fixed."""
    H, n, T, seeds = 4, 2, 6, [3, 11]
    cell = make_cell(name, H, n)
    found = expansion.measure_untrained(cell, seeds, T=T, epsilons=EPSILONS)
    weights = cell.unpack(expansion.random_weights(cell, seeds, 0.2))
    u = expansion.sines(seeds, T, n, 0.05)
    for m in range(len(seeds)):
        w = {key: value[m] for key, value in weights.items()}
        recurrent, driven = (w["w_r"], w["w_i"]) if name == "scalar" else (w["V_r"], w["V_i"])
        x, A, B = np.zeros(H), [], []
        for t in range(T):

            def gate(x, r=recurrent, d=driven, v=u[t, m, :, 0]):
                return 1 / (1 + np.exp(-(r @ x + d @ v)))

            def step(x, g, w=w, v=u[t, m, :, 0]):
                return (1 - g) * x + g * np.tanh(w["W_r"] @ x + w["W_i"] @ v)

            h = 1e-100j
            A.append(np.transpose([step(x + h * e, gate(x)).imag / 1e-100 for e in np.eye(H)]))
            B.append(np.transpose([step(x, gate(x + h * e)).imag / 1e-100 for e in np.eye(H)]))
            x = step(x, gate(x))
        errors, F_at_1 = exact_errors(np.array(A), np.array(B), EPSILONS)
        # six steps of rounding, on both sides
        np.testing.assert_allclose(found["truncation_error"][m], np.array(errors, float), rtol=1e-12)
        np.testing.assert_allclose(
            found["normalized_remainder"][m], np.array(errors, float) / np.square(EPSILONS), rtol=1e-12
        )
        assert found["relative_error"][m] == pytest.approx(float(errors[-1] / F_at_1), rel=1e-12)
        np.testing.assert_allclose(found["dominant_norm"][m], [np.linalg.norm(a, 2) for a in A], rtol=1e-12)
        np.testing.assert_allclose(found["correction_norm"][m], [np.linalg.norm(b, 2) for b in B], rtol=1e-12)
    assert found["error_slope"] == pytest.approx([2, 2], abs=0.05)  # R is not constant over these eps


def test_protocol_inputs_and_weights():
    T, n, seeds = 100, 3, [1, 2]
    u = expansion.sines(seeds, T, n, noise=0.0)
    for m in range(2):
        phases = np.arcsin(np.clip(u[0, m, :, 0], -1, 1))  # up to the branch of the arcsine
        for i, f in enumerate((0.03, 0.06, 0.09)):
            angle = np.array([f * 12 * t / (T - 1) for t in range(T)])
            either = [np.sin(angle + phases[i]), np.sin(angle + np.pi - phases[i])]
            # arcsin near +-1 turns rounding of 1e-16 into an angle of 1e-8
            assert min(np.abs(u[:, m, i, 0] - y).max() for y in either) < 1e-7
    noisy = expansion.sines(seeds, T, n, noise=0.05) - u
    # 600 draws: the standard deviation is known to 3 percent, five of which are allowed.
    assert noisy.std() == pytest.approx(0.05, rel=0.15)
    multi, scalar = (make_cell(name, 64, n) for name in ("multi", "scalar"))
    W = expansion.random_weights(multi, seeds, 0.2)
    assert W.std() == pytest.approx(0.2, rel=0.03)  # 17152 draws: 0.5 percent, six of which are allowed
    shared = multi.unpack(W), scalar.unpack(expansion.random_weights(scalar, seeds, 0.2))
    for name in ("W_r", "W_i"):
        np.testing.assert_array_equal(shared[0][name], shared[1][name])


@pytest.mark.parametrize("name", ["multi", "gru", "lstm"])
def test_seeds_together_equal_seeds_one_by_one_and_shapes_are_those_declared(name):
    cell, T = make_cell(name, 6, 3), 8
    together = expansion.measure_untrained(cell, [4, 7], T=T, epsilons=EPSILONS)
    sizes = {"seed": 2, "epsilon": len(EPSILONS), "step": T}
    assert together.keys() == expansion.QUANTITIES.keys()
    for key, quantity in expansion.QUANTITIES.items():
        assert together[key].shape == tuple(sizes[dim] for dim in quantity.dims.split())
    for m, seed in enumerate([4, 7]):
        alone = expansion.measure_untrained(cell, [seed], T=T, epsilons=EPSILONS)
        for key, value in alone.items():
            np.testing.assert_array_equal(value[0], together[key][m], err_msg=key)


def test_every_array_library_gives_the_same(device):
    cell = make_cell("scalar", 5, 3)
    found = expansion.measure_untrained(cell, [2], T=7, epsilons=EPSILONS, device=device)
    for name, expected in expansion.measure_untrained(cell, [2], T=7, epsilons=EPSILONS).items():
        # the same operations; sums may be taken in another order
        np.testing.assert_allclose(found[name], expected, rtol=1e-13, err_msg=name)
