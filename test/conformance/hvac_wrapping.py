"""Tokens of all kinds and wrapped answers through hvac, as an orchestrator hands a secret ID to an agent; any difference from Vault ends it."""

import sys

import hvac
from hvac.exceptions import Forbidden, InvalidRequest

url = sys.argv[1]
operator = hvac.Client(url=url, token="root")


def fails(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{call.__name__} did not raise {error.__name__}")


operator.sys.create_or_update_policy("app", 'path "secret/data/app/*" { capabilities = ["read"] }')
operator.secrets.kv.v2.create_or_update_secret("app/db", secret={"user": "ann"})
operator.sys.enable_auth_method("approle")
operator.auth.approle.create_or_update_approle("web", token_policies=["app"], token_ttl="20m", secret_id_num_uses=1)
role_id = operator.auth.approle.read_role_id("web")["data"]["role_id"]

# The orchestrator asks for a secret ID, wrapped, and never sees it.
given = operator.auth.approle.generate_secret_id("web", wrap_ttl="60s")
info = given["wrap_info"]
assert given["data"] is None and given["auth"] is None
assert (info["ttl"], info["creation_path"]) == (60, "auth/approle/role/web/secret-id")
assert operator.auth.approle.read_secret_id_accessor("web", info["wrapped_accessor"])["data"]["secret_id_num_uses"] == 1

# The agent checks where it comes from before it takes it, with nothing but the wrapping token.
agent = hvac.Client(url=url, token=info["token"])
seen = hvac.Client(url=url).write("sys/wrapping/lookup", token=info["token"])["data"]
assert (seen["creation_path"], seen["creation_ttl"]) == ("auth/approle/role/web/secret-id", 60)
secret_id = agent.sys.unwrap()["data"]["secret_id"]
assert "wrapping token is not valid or does not exist" in fails(InvalidRequest, agent.sys.unwrap)
agent.auth.approle.login(role_id, secret_id)
assert agent.secrets.kv.v2.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"user": "ann"}
fails(InvalidRequest, hvac.Client(url=url).auth.approle.login, role_id, secret_id)

# Who has a token of its own names the wrapping token in the body.
again = operator.auth.approle.generate_secret_id("web", wrap_ttl="60s")["wrap_info"]
assert operator.sys.unwrap(token=again["token"])["data"]["secret_id_accessor"] == again["wrapped_accessor"]

# What was intercepted is destroyed unread.
lost = operator.auth.approle.generate_secret_id("web", wrap_ttl="60s")["wrap_info"]
operator.auth.approle.destroy_secret_id_accessor("web", lost["wrapped_accessor"])
taken = hvac.Client(url=url, token=lost["token"]).sys.unwrap()["data"]["secret_id"]
fails(InvalidRequest, hvac.Client(url=url).auth.approle.login, role_id, taken)

# A login, wrapped; and data of one's own, passed on.
login = operator.auth.token.create(policies=["app"], ttl="1h", wrap_ttl="30s")["wrap_info"]
opened = hvac.Client(url=url, token=login["token"]).sys.unwrap()["auth"]
assert opened["accessor"] == login["wrapped_accessor"] and opened["lease_duration"] == 3600
kept = operator.sys.wrap({"a": 1}, ttl=60)["wrap_info"]
moved = operator.write("sys/wrapping/rewrap", token=kept["token"])["wrap_info"]
fails(InvalidRequest, operator.sys.unwrap, token=kept["token"])
assert operator.sys.unwrap(token=moved["token"])["data"] == {"a": 1}

# Batch tokens, and roles of tokens.
role = {"allowed_policies": ["app"], "orphan": True, "renewable": False, "token_type": "batch"}
operator.write_data("auth/token/roles/deploy", data=role)
assert operator.auth.token.list_roles()["data"]["keys"] == ["deploy"]
assert operator.auth.token.read_role("deploy")["data"]["token_type"] == "batch"
batch = operator.auth.token.create(role_name="deploy", ttl="10m")["auth"]
assert batch["client_token"].startswith("hvb.") and batch["accessor"] == "" and not batch["renewable"]
worker = hvac.Client(url=url, token=batch["client_token"])
assert worker.lookup_token()["data"]["type"] == "batch"
assert worker.secrets.kv.v2.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"user": "ann"}
assert "batch tokens cannot be renewed" in fails(InvalidRequest, worker.auth.token.renew_self)
assert "batch tokens cannot be revoked" in fails(InvalidRequest, operator.auth.token.revoke, batch["client_token"])
fails(Forbidden, worker.secrets.kv.v2.read_secret_version, "other", raise_on_deleted_version=True)
operator.auth.token.delete_role("deploy")
operator.auth.token.tidy()
