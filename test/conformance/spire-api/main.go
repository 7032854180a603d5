// What an operator's tool does with Signet through SPIRE's own API module; any difference ends it with an error.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"log"
	"net/url"
	"os"

	agentv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/agent/v1"
	bundlev1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/bundle/v1"
	debugv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/debug/v1"
	entryv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/entry/v1"
	localauthorityv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/localauthority/v1"
	loggerv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/logger/v1"
	svidv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/svid/v1"
	trustdomainv1 "github.com/spiffe/spire-api-sdk/proto/spire/api/server/trustdomain/v1"
	"github.com/spiffe/spire-api-sdk/proto/spire/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const domain = "example.org"

var ctx = context.Background()

func main() {
	conn, err := grpc.NewClient("unix:"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	defer conn.Close()
	if len(os.Args) > 2 && os.Args[2] == "wit" {
		wit(conn)
		return
	}
	health, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	must(err)
	check(health.Status == healthv1.HealthCheckResponse_SERVING, "health")
	entries(entryv1.NewEntryClient(conn))
	agents(agentv1.NewAgentClient(conn))
	bundles(bundlev1.NewBundleClient(conn))
	federation(trustdomainv1.NewTrustDomainClient(conn))
	authorities(localauthorityv1.NewLocalAuthorityClient(conn))
	svids(svidv1.NewSVIDClient(conn), bundlev1.NewBundleClient(conn))
	server(loggerv1.NewLoggerClient(conn), debugv1.NewDebugClient(conn))
}

func entries(client entryv1.EntryClient) {
	entry := &types.Entry{
		Id: "web", SpiffeId: id("/web"), ParentId: id("/node"), Selectors: []*types.Selector{{Type: "unix", Value: "uid:1000"}},
		X509SvidTtl: 60, JwtSvidTtl: 30, FederatesWith: []string{"partner.test"}, Admin: true, Downstream: true, ExpiresAt: 4000000000,
		DnsNames: []string{"a.test", "b.test"}, Hint: "main",
		AdditionalAttributes: &types.Entry_AdditionalAttributes{DisableX509SvidPrefetch: true, JwtSvidIncludeJti: true},
	}
	made, err := client.BatchCreateEntry(ctx, &entryv1.BatchCreateEntryRequest{Entries: []*types.Entry{entry, entry}})
	must(err)
	check(made.Results[0].Status.Code == 0 && codes.Code(made.Results[1].Status.Code) == codes.AlreadyExists, "created, once")
	read, err := client.GetEntry(ctx, &entryv1.GetEntryRequest{Id: "web"})
	must(err)
	check(read.CreatedAt > 0, "created at")
	entry.CreatedAt = read.CreatedAt
	check(proto.Equal(read, entry), "every field of an entry: "+read.String())
	update := &types.Entry{Id: "web", Hint: "other", StoreSvid: true}
	changed, err := client.BatchUpdateEntry(ctx, &entryv1.BatchUpdateEntryRequest{Entries: []*types.Entry{update}, InputMask: &types.EntryMask{Hint: true, StoreSvid: true}})
	must(err)
	entry.Hint, entry.StoreSvid, entry.RevisionNumber = "other", true, 1
	check(proto.Equal(changed.Results[0].Entry, entry), "masked update: "+changed.Results[0].String())
	filter := &entryv1.ListEntriesRequest_Filter{
		BySpiffeId: id("/web"), ByParentId: id("/node"), ByHint: wrapperspb.String("other"), ByDownstream: wrapperspb.Bool(true),
		BySelectors:     &types.SelectorMatch{Selectors: entry.Selectors, Match: types.SelectorMatch_MATCH_EXACT},
		ByFederatesWith: &types.FederatesWithMatch{TrustDomains: entry.FederatesWith, Match: types.FederatesWithMatch_MATCH_ANY},
	}
	list, err := client.ListEntries(ctx, &entryv1.ListEntriesRequest{Filter: filter, PageSize: 1, OutputMask: &types.EntryMask{Hint: true}})
	must(err)
	check(len(list.Entries) == 1 && list.Entries[0].Hint == "other" && list.Entries[0].SpiffeId == nil, "filtered list: "+list.String())
	rest, err := client.ListEntries(ctx, &entryv1.ListEntriesRequest{PageSize: 1, PageToken: list.NextPageToken})
	must(err)
	check(len(rest.Entries) == 0 && rest.NextPageToken == "", "end of the list")
	count, err := client.CountEntries(ctx, &entryv1.CountEntriesRequest{})
	must(err)
	check(count.Count == 1, "count")
	gone, err := client.BatchDeleteEntry(ctx, &entryv1.BatchDeleteEntryRequest{Ids: []string{"web", "web"}})
	must(err)
	check(gone.Results[0].Status.Code == 0 && codes.Code(gone.Results[1].Status.Code) == codes.NotFound && gone.Results[1].Id == "web", "deleted, once")
	_, err = client.GetEntry(ctx, &entryv1.GetEntryRequest{Id: "web"})
	refused(err, codes.NotFound)
}

func agents(client agentv1.AgentClient) {
	token, err := client.CreateJoinToken(ctx, &agentv1.CreateJoinTokenRequest{Ttl: 60, AgentId: id("/node")})
	must(err)
	check(token.Value != "" && token.ExpiresAt > 0, "join token")
	list, err := client.ListAgents(ctx, &agentv1.ListAgentsRequest{Filter: &agentv1.ListAgentsRequest_Filter{ByBanned: wrapperspb.Bool(false)}})
	must(err)
	check(len(list.Agents) == 0, "no agents")
	none := id("/spire/agent/x509pop/none")
	_, err = client.GetAgent(ctx, &agentv1.GetAgentRequest{Id: none})
	refused(err, codes.NotFound)
	_, err = client.BanAgent(ctx, &agentv1.BanAgentRequest{Id: none})
	refused(err, codes.NotFound)
	_, err = client.DeleteAgent(ctx, &agentv1.DeleteAgentRequest{Id: id("/web")})
	refused(err, codes.InvalidArgument)
}

func bundles(client bundlev1.BundleClient) {
	own, err := client.GetBundle(ctx, &bundlev1.GetBundleRequest{})
	must(err)
	check(own.TrustDomain == domain && len(own.X509Authorities) == 1 && len(own.JwtAuthorities) == 1 && own.RefreshHint == 300 && own.SequenceNumber > 0, "bundle")
	check(own.JwtAuthorities[0].ExpiresAt > 0, "end of a key")
	own.TrustDomain = "partner.test"
	set, err := client.BatchSetFederatedBundle(ctx, &bundlev1.BatchSetFederatedBundleRequest{Bundle: []*types.Bundle{own}})
	must(err)
	check(set.Results[0].Status.Code == 0, "set: "+set.String())
	again, err := client.BatchCreateFederatedBundle(ctx, &bundlev1.BatchCreateFederatedBundleRequest{Bundle: []*types.Bundle{own}})
	must(err)
	check(codes.Code(again.Results[0].Status.Code) == codes.AlreadyExists, "created twice")
	foreign, err := client.GetFederatedBundle(ctx, &bundlev1.GetFederatedBundleRequest{TrustDomain: "partner.test"})
	must(err)
	check(proto.Equal(foreign.X509Authorities[0], own.X509Authorities[0]) && foreign.JwtAuthorities[0].KeyId == own.JwtAuthorities[0].KeyId, "federated bundle")
	count, err := client.CountBundles(ctx, &bundlev1.CountBundlesRequest{})
	must(err)
	check(count.Count == 2, "count of bundles")
	gone, err := client.BatchDeleteFederatedBundle(ctx, &bundlev1.BatchDeleteFederatedBundleRequest{TrustDomains: []string{"partner.test"}, Mode: bundlev1.BatchDeleteFederatedBundleRequest_DISSOCIATE})
	must(err)
	check(gone.Results[0].Status.Code == 0 && gone.Results[0].TrustDomain == "partner.test", "deleted")
}

func federation(client trustdomainv1.TrustDomainClient) {
	web := &types.FederationRelationship{TrustDomain: "web.test", BundleEndpointUrl: "https://web.test/", BundleEndpointProfile: &types.FederationRelationship_HttpsWeb{HttpsWeb: &types.HTTPSWebProfile{}}}
	spiffe := &types.FederationRelationship{TrustDomain: "spiffe.test", BundleEndpointUrl: "https://spiffe.test/", BundleEndpointProfile: &types.FederationRelationship_HttpsSpiffe{HttpsSpiffe: &types.HTTPSSPIFFEProfile{EndpointSpiffeId: "spiffe://spiffe.test/bundles"}}}
	made, err := client.BatchCreateFederationRelationship(ctx, &trustdomainv1.BatchCreateFederationRelationshipRequest{FederationRelationships: []*types.FederationRelationship{web, spiffe}})
	must(err)
	check(proto.Equal(made.Results[0].FederationRelationship, web) && proto.Equal(made.Results[1].FederationRelationship, spiffe), "relationships: "+made.String())
	list, err := client.ListFederationRelationships(ctx, &trustdomainv1.ListFederationRelationshipsRequest{})
	must(err)
	check(len(list.FederationRelationships) == 2, "list of relationships")
	gone, err := client.BatchDeleteFederationRelationship(ctx, &trustdomainv1.BatchDeleteFederationRelationshipRequest{TrustDomains: []string{"web.test", "spiffe.test"}})
	must(err)
	check(gone.Results[0].Status.Code == 0 && gone.Results[1].Status.Code == 0, "deleted relationships")
	_, err = client.RefreshBundle(ctx, &trustdomainv1.RefreshBundleRequest{TrustDomain: "web.test"})
	refused(err, codes.NotFound)
}

func authorities(client localauthorityv1.LocalAuthorityClient) {
	before, err := client.GetX509AuthorityState(ctx, &localauthorityv1.GetX509AuthorityStateRequest{})
	must(err)
	next, err := client.PrepareX509Authority(ctx, &localauthorityv1.PrepareX509AuthorityRequest{})
	must(err)
	active, err := client.ActivateX509Authority(ctx, &localauthorityv1.ActivateX509AuthorityRequest{AuthorityId: next.PreparedAuthority.AuthorityId})
	must(err)
	check(active.ActivatedAuthority.AuthorityId == next.PreparedAuthority.AuthorityId, "activated")
	tainted, err := client.TaintX509Authority(ctx, &localauthorityv1.TaintX509AuthorityRequest{AuthorityId: before.Active.AuthorityId})
	must(err)
	check(tainted.TaintedAuthority.AuthorityId == before.Active.AuthorityId && tainted.TaintedAuthority.ExpiresAt > 0, "tainted")
	_, err = client.RevokeX509Authority(ctx, &localauthorityv1.RevokeX509AuthorityRequest{AuthorityId: before.Active.AuthorityId})
	must(err)
	jwt, err := client.PrepareJWTAuthority(ctx, &localauthorityv1.PrepareJWTAuthorityRequest{})
	must(err)
	state, err := client.GetJWTAuthorityState(ctx, &localauthorityv1.GetJWTAuthorityStateRequest{})
	must(err)
	check(state.Prepared.AuthorityId == jwt.PreparedAuthority.AuthorityId, "prepared")
	_, err = client.GetWITAuthorityState(ctx, &localauthorityv1.GetWITAuthorityStateRequest{})
	refused(err, codes.Unimplemented)
}

func svids(client svidv1.SVIDClient, bundles bundlev1.BundleClient) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{{Scheme: "spiffe", Host: domain, Path: "/minted"}}, DNSNames: []string{"minted.test"}}, key)
	must(err)
	made, err := client.MintX509SVID(ctx, &svidv1.MintX509SVIDRequest{Csr: csr, Ttl: 60})
	must(err)
	leaf, err := x509.ParseCertificate(made.Svid.CertChain[0])
	must(err)
	own, err := bundles.GetBundle(ctx, &bundlev1.GetBundleRequest{})
	must(err)
	roots := x509.NewCertPool()
	for _, authority := range own.X509Authorities {
		root, err := x509.ParseCertificate(authority.Asn1)
		must(err)
		roots.AddCert(root)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "minted.test"})
	must(err)
	check(leaf.URIs[0].String() == "spiffe://example.org/minted" && leaf.PublicKey.(*ecdsa.PublicKey).Equal(&key.PublicKey), "minted")
	jwt, err := client.MintJWTSVID(ctx, &svidv1.MintJWTSVIDRequest{Id: id("/minted"), Audience: []string{"db"}, Ttl: 60})
	must(err)
	check(jwt.Svid.ExpiresAt-jwt.Svid.IssuedAt == 60 && proto.Equal(jwt.Svid.Id, id("/minted")), "minted token")
	_, err = client.NewDownstreamX509CA(ctx, &svidv1.NewDownstreamX509CARequest{Csr: csr})
	refused(err, codes.PermissionDenied)
}

func server(logger loggerv1.LoggerClient, debug debugv1.DebugClient) {
	level, err := logger.SetLogLevel(ctx, &loggerv1.SetLogLevelRequest{NewLevel: types.LogLevel_DEBUG})
	must(err)
	check(level.CurrentLevel == types.LogLevel_DEBUG, "log level")
	level, err = logger.ResetLogLevel(ctx, &loggerv1.ResetLogLevelRequest{})
	must(err)
	check(level.CurrentLevel == level.LaunchLevel, "log level again")
	info, err := debug.GetInfo(ctx, &debugv1.GetInfoRequest{})
	must(err)
	check(info.EntriesCount == 1 && proto.Equal(info.SvidChain[0].Id, id("")), "debug info: "+info.String())
}

func id(path string) *types.SPIFFEID {
	return &types.SPIFFEID{TrustDomain: domain, Path: path}
}

func refused(err error, code codes.Code) {
	check(status.Code(err) == code, "refused with "+code.String()+": "+status.Convert(err).Message())
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(ok bool, what string) {
	if !ok {
		log.Fatalf("not as expected: %s", what)
	}
}
