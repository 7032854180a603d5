"""What a Python service does with Signet through hvac; any difference from Vault ends it with an error."""

import sys

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

client = hvac.Client(url=sys.argv[1], token="root")


def fails(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"{call.__name__} did not raise {error.__name__}")


assert client.is_authenticated()
assert client.sys.is_initialized() and not client.sys.is_sealed()
assert client.sys.read_health_status().status_code == 200

kv2 = client.secrets.kv.v2
kv2.create_or_update_secret("app/db", secret={"user": "ann", "n": 9007199254740993})
kv2.create_or_update_secret("app/db", secret={"user": "bob"}, cas=1)
fails(InvalidRequest, kv2.create_or_update_secret, "app/db", secret={"user": "eve"}, cas=1)
read = kv2.read_secret_version("app/db", raise_on_deleted_version=True)
assert read["data"]["data"] == {"user": "bob"} and read["data"]["metadata"]["version"] == 2
assert kv2.read_secret_version("app/db", version=1, raise_on_deleted_version=True)["data"]["data"]["n"] == 9007199254740993
kv2.patch("app/db", secret={"port": 5432})
assert kv2.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"user": "bob", "port": 5432}
assert kv2.list_secrets("app")["data"]["keys"] == ["db"]
assert kv2.list_secrets("")["data"]["keys"] == ["app/"]
kv2.delete_latest_version_of_secret("app/db")
fails(InvalidPath, kv2.read_secret_version, "app/db", raise_on_deleted_version=True)
kv2.undelete_secret_versions("app/db", [3])
kv2.destroy_secret_versions("app/db", [1])
kv2.update_metadata("app/db", max_versions=5, custom_metadata={"owner": "team"})
assert kv2.read_secret_metadata("app/db")["data"]["custom_metadata"] == {"owner": "team"}
kv2.delete_metadata_and_all_versions("app/db")
fails(InvalidPath, kv2.read_secret_metadata, "app/db")

client.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
kv1 = client.secrets.kv.v1
kv1.create_or_update_secret("a/b", secret={"k": "v"}, mount_point="old")
assert kv1.read_secret("a/b", mount_point="old")["data"] == {"k": "v"}
assert kv1.list_secrets("a", mount_point="old")["data"]["keys"] == ["b"]
kv1.delete_secret("a/b", mount_point="old")
assert "old/" in client.sys.list_mounted_secrets_engines()["data"]

client.sys.create_or_update_policy("reader", 'path "secret/data/shared/*" { capabilities = ["read"] }')
assert "reader" in client.sys.list_policies()["data"]["policies"]
assert "shared" in client.sys.read_policy("reader")["data"]["rules"]
kv2.create_or_update_secret("shared/x", secret={"a": "1"})

made = client.auth.token.create(policies=["reader"], ttl="1h")["auth"]
limited = hvac.Client(url=sys.argv[1], token=made["client_token"])
assert limited.secrets.kv.v2.read_secret_version("shared/x", raise_on_deleted_version=True)["data"]["data"] == {"a": "1"}
fails(Forbidden, limited.secrets.kv.v2.read_secret_version, "other", raise_on_deleted_version=True)
assert client.auth.token.lookup_accessor(made["accessor"])["data"]["policies"] == ["default", "reader"]
assert limited.auth.token.renew_self()["auth"]["lease_duration"] > 3000
limited.auth.token.revoke_self()
assert not limited.is_authenticated()

client.sys.enable_auth_method("userpass")
client.auth.userpass.create_or_update_user("ann", "correct horse battery", policies="reader")
login = hvac.Client(url=sys.argv[1])
login.auth.userpass.login("ann", "correct horse battery")
assert login.lookup_token()["data"]["display_name"] == "userpass-ann"
fails(InvalidRequest, hvac.Client(url=sys.argv[1]).auth.userpass.login, "ann", "wrong")

client.sys.enable_auth_method("approle")
client.auth.approle.create_or_update_approle("web", token_policies=["reader"], token_ttl="20m")
role_id = client.auth.approle.read_role_id("web")["data"]["role_id"]
secret_id = client.auth.approle.generate_secret_id("web")["data"]["secret_id"]
machine = hvac.Client(url=sys.argv[1])
assert machine.auth.approle.login(role_id, secret_id)["auth"]["lease_duration"] == 1200
assert client.auth.approle.list_roles()["data"]["keys"] == ["web"]
assert len(client.auth.approle.list_secret_id_accessors("web")["data"]["keys"]) == 1
client.auth.approle.delete_role("web")
client.sys.disable_auth_method("approle")
