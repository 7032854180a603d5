// What an operator's tool does about WIT-SVIDs, once the trust domain has them.
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"

	bundlev1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/bundle/v1"
	localauthorityv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/localauthority/v1"
	svidv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/svid/v1"
	"github.com/spiffe/spire-api-sdk/proto/spire/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

func wit(conn *grpc.ClientConn) {
	witAuthorities(localauthorityv1.NewLocalAuthorityClient(conn), bundlev1.NewBundleClient(conn))
	witSvids(svidv1.NewSVIDClient(conn))
}

func witAuthorities(client localauthorityv1.LocalAuthorityClient, bundles bundlev1.BundleClient) {
	before, err := client.GetWITAuthorityState(ctx, &localauthorityv1.GetWITAuthorityStateRequest{})
	must(err)
	next, err := client.PrepareWITAuthority(ctx, &localauthorityv1.PrepareWITAuthorityRequest{})
	must(err)
	active, err := client.ActivateWITAuthority(ctx, &localauthorityv1.ActivateWITAuthorityRequest{AuthorityId: next.PreparedAuthority.AuthorityId})
	must(err)
	check(active.ActivatedAuthority.AuthorityId == next.PreparedAuthority.AuthorityId, "activated")
	tainted, err := client.TaintWITAuthority(ctx, &localauthorityv1.TaintWITAuthorityRequest{AuthorityId: before.Active.AuthorityId})
	must(err)
	check(tainted.TaintedAuthority.AuthorityId == before.Active.AuthorityId && tainted.TaintedAuthority.ExpiresAt > 0, "tainted")
	own, err := bundles.GetBundle(ctx, &bundlev1.GetBundleRequest{OutputMask: &types.BundleMask{WitAuthorities: true}})
	must(err)
	check(len(own.WitAuthorities) == 2 && own.WitAuthorities[0].Tainted && !own.WitAuthorities[1].Tainted && len(own.JwtAuthorities) == 0, "authorities: "+own.String())
	revoked, err := client.RevokeWITAuthority(ctx, &localauthorityv1.RevokeWITAuthorityRequest{AuthorityId: before.Active.AuthorityId})
	must(err)
	check(revoked.RevokedAuthority.AuthorityId == before.Active.AuthorityId, "revoked")
	der := publicKey()
	theirs := &types.WITKey{PublicKey: der, KeyId: "theirs", ExpiresAt: 4000000000}
	appended, err := bundles.AppendBundle(ctx, &bundlev1.AppendBundleRequest{WitAuthorities: []*types.WITKey{theirs}})
	must(err)
	check(proto.Equal(appended.WitAuthorities[1], theirs), "appended: "+appended.String())
	_, err = bundles.PublishWITAuthority(ctx, &bundlev1.PublishWITAuthorityRequest{WitAuthority: theirs})
	refused(err, codes.PermissionDenied)
}

func witSvids(client svidv1.SVIDClient) {
	der := publicKey()
	made, err := client.MintWITSVID(ctx, &svidv1.MintWITSVIDRequest{Id: id("/minted"), PublicKey: der, SigningAlgorithm: "ES256", Ttl: 60})
	must(err)
	check(made.Svid.ExpiresAt-made.Svid.IssuedAt == 60 && proto.Equal(made.Svid.Id, id("/minted")), "minted: "+made.String())
	_, err = client.MintWITSVID(ctx, &svidv1.MintWITSVIDRequest{Id: id("/minted"), PublicKey: der, SigningAlgorithm: "RS256"})
	refused(err, codes.InvalidArgument)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	der, err = x509.MarshalPKIXPublicKey(other)
	must(err)
	_, err = client.MintWITSVID(ctx, &svidv1.MintWITSVIDRequest{Id: id("/minted"), PublicKey: der, SigningAlgorithm: "EdDSA"})
	refused(err, codes.InvalidArgument)
	_, err = client.BatchNewWITSVID(ctx, &svidv1.BatchNewWITSVIDRequest{})
	refused(err, codes.InvalidArgument)
}

func publicKey() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(err)
	return der
}
