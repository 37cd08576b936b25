import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.cdan import cdan_loss
from jtransfer.transfer.adaptation.dann import dann_loss
from tests.transfer.adaptation.small_nets import CONDITIONED, NET, batch, variables_of

KEY, PROGRESS = jax.random.key(0), jnp.asarray(0.1)


def value_and_gradient(loss, params, given):
    (value, _), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        params, {}, given, KEY, PROGRESS
    )
    return float(value), jax.tree.map(np.asarray, gradient)


def by_torch(params, given, scale, *, entropy):
    """Value and gradients of the paper's losses, each player by its own, on the same numbers."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    leaves = {
        part: {
            name: torch.tensor(np.array(leaf), requires_grad=True)
            for name, leaf in next(iter(tree.values())).items()
            if not isinstance(leaf, dict)
        }
        for part, tree in params.items()
        if part != "trunk"
    }
    kernel, bias = (
        torch.tensor(np.array(params["trunk"]["fc1"][name]), requires_grad=True)
        for name in ("kernel", "bias")
    )
    images = torch.cat([torch.tensor(np.array(given[d]["image"])) for d in ("source", "target")])
    labels = torch.tensor(np.array(given["source"]["label"]), dtype=torch.long)
    features = torch.relu(images @ kernel + bias)
    head, judge = leaves["label_head"], leaves["domain_head"]
    logits = features @ head["kernel"] + head["bias"]
    g = torch.softmax(logits, dim=1).detach()
    joined = torch.einsum("nc,nf->ncf", g, features).flatten(1)
    domain_logits = (joined @ judge["kernel"] + judge["bias"])[:, 0]
    domains = torch.repeat_interleave(torch.tensor([0.0, 1.0]), len(labels))
    weights = torch.ones(len(domains))
    if entropy:
        weights = 1 + torch.exp((g * g.log()).sum(dim=1))
        halves = weights.chunk(2)
        weights = torch.cat([half / half.mean() for half in halves])
    domain_loss = functional.binary_cross_entropy_with_logits(domain_logits, domains, weights)
    label_loss = functional.cross_entropy(logits[: len(labels)], labels)
    of_labels = torch.autograd.grad(label_loss, [kernel, head["kernel"]], retain_graph=True)
    of_domains = torch.autograd.grad(domain_loss, [kernel, judge["kernel"]])
    trunk = of_labels[0] - scale * of_domains[0]
    gradients = [each.numpy() for each in (trunk, of_labels[1], of_domains[1])]
    return float(label_loss.detach() + domain_loss.detach()), gradients


@pytest.mark.parametrize("entropy", [False, True])
def test_the_papers_losses_for_every_player_by_torch(entropy):
    params, given = variables_of("cdan")["params"], batch()
    loss = cdan_loss(CONDITIONED, entropy_conditioning=entropy, reversal=lambda progress: 0.7)
    value, gradient = value_and_gradient(loss, params, given)
    expected, gradients = by_torch(params, given, 0.7, entropy=entropy)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    ours = (
        gradient["trunk"]["fc1"]["kernel"],
        gradient["label_head"]["out"]["kernel"],
        gradient["domain_head"]["out"]["kernel"],
    )
    for one, other in zip(ours, gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_without_conditioning_it_is_danns_game_on_the_map():
    params, given = variables_of("cdan")["params"], batch()
    ours, danns = (
        value_and_gradient(each(CONDITIONED), params, given) for each in (cdan_loss, dann_loss)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours, danns)


def test_a_discriminator_of_features_is_refused():
    with pytest.raises(ValueError, match="discriminator reads features; expected the multilinear"):
        cdan_loss(NET)
