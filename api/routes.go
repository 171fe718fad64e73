package api

// route is one line of the API: what is asked, what the token must allow, and
// who answers. The pattern "/apps/{app}…" also means that the account may do
// that with the app.
type route struct {
	method, pattern string
	access          scope
	handle          func(*call) (reply, error)
	free            bool // costs nothing of the rate limit
}

// routes is the table of contents. A line with access open takes no token: its
// address is a capability, or its answer the same for everybody.
var routes = []route{
	// The person, account.go
	{"GET", "/account", identity, accountInfo, false},
	{"PATCH", "/account", global, accountUpdate, false},
	{"GET", "/users/{user}", identity, userInfo, false},
	{"PATCH", "/users/{user}", global, userUpdate, false},
	{"DELETE", "/account", global, accountDelete, false},
	{"DELETE", "/users/{user}", global, userDelete, false},
	{"GET", "/kigo/accounts", global, accountList, false}, // accounts.go
	{"POST", "/kigo/accounts", global, accountCreate, false},
	{"GET", "/kigo/usage", read, usageList, false}, // usage.go
	{"GET", "/accounts/{user}/actions/get-quota", identity, quotaInfo, false},
	{"GET", "/kigo/audit", global, auditVerify, false},                            // audit.go
	{"POST", "/kigo/accounts/{account}/actions/reset", global, loginReset, false}, // logins.go
	{"POST", "/kigo/accounts/{account}/actions/confirm-email", global, emailConfirm, false},
	{"POST", "/kigo/email-confirmations/{token}", open, emailFinish, false},
	{"POST", "/kigo/two-factor", global, twoFactorBegin, false},
	{"POST", "/kigo/two-factor/actions/enable", global, twoFactorEnable, false},
	{"POST", "/kigo/two-factor/actions/disable", global, twoFactorDisable, false},
	{"POST", "/password-resets", open, passwordResetCreate, false},
	{"POST", "/password-resets/{reset}/actions/finalize", open, passwordResetFinish, false},
	{"GET", "/users/{user}/preferences", identity, preferencesInfo, false},
	{"PATCH", "/users/{user}/preferences", global, preferencesUpdate, false},
	{"GET", "/kigo/stacks", global, patchList, false}, // patches.go
	{"POST", "/kigo/stacks/{stack}/actions/patch", global, patchAgain, false},
	{"GET", "/account/rate-limits", identity, rateLimitInfo, true},
	{"GET", "/account/features", identity, emptyList, false},
	{"GET", "/account/features/{feature}", identity, accountFeatureInfo, false},
	{"PATCH", "/account/features/{feature}", global, accountFeatureUpdate, false},

	// What the account has besides apps, keys.go, app_transfers.go
	{"GET", "/account/keys", identity, keyList, false},
	{"POST", "/account/keys", global, keyCreate, false},
	{"GET", "/account/keys/{key}", identity, keyInfo, false},
	{"DELETE", "/account/keys/{key}", global, keyDelete, false},
	{"GET", "/account/app-transfers", identity, appTransferList, false},
	{"POST", "/account/app-transfers", global, appTransferCreate, false},
	{"GET", "/account/app-transfers/{transfer}", identity, appTransferInfo, false},
	{"PATCH", "/account/app-transfers/{transfer}", global, appTransferUpdate, false},
	{"DELETE", "/account/app-transfers/{transfer}", global, appTransferDelete, false},

	// Authorizations, authorizations.go
	{"GET", "/oauth/authorizations", global, authorizationList, false},
	{"POST", "/oauth/authorizations", open, authorizationCreate, false}, // a token, or e-mail address and password
	{"GET", "/oauth/authorizations/{authorization}", identity, authorizationInfo, false},
	{"PATCH", "/oauth/authorizations/{authorization}", global, authorizationUpdate, false},
	{"DELETE", "/oauth/authorizations/{authorization}", identity, authorizationDelete, false},
	{"POST", "/oauth/authorizations/{authorization}/actions/regenerate-tokens", global, authorizationRotate, false},
	{"POST", "/oauth/tokens", open, tokenCreate, false}, // a client's secret, logins.go
	{"DELETE", "/oauth/tokens/{token}", global, tokenDelete, false},
	{"GET", "/oauth/authorize", open, authorizePage, false}, // login_pages.go
	{"POST", "/oauth/authorize", open, authorizeAnswer, false},
	{"POST", "/oauth/token", open, tokenForm, false},
	{"POST", "/auth", open, cliLoginCreate, false}, // `heroku login`, login_pages.go
	{"GET", "/auth/cli/{login}", open, cliLoginWait, false},
	{"GET", "/auth/browser/{login}", open, cliLoginPage, false},
	{"POST", "/auth/browser/{login}", open, cliLoginAnswer, false},
	{"GET", "/oauth/sessions", global, sessionList, false}, // sessions.go
	{"DELETE", "/oauth/sessions/{session}", identity, sessionDelete, false},
	{"GET", "/oauth/clients", global, oauthClientList, false}, // with their secrets
	{"POST", "/oauth/clients", global, oauthClientCreate, false},
	{"GET", "/oauth/clients/{client}", global, oauthClientInfo, false},
	{"PATCH", "/oauth/clients/{client}", global, oauthClientUpdate, false},
	{"DELETE", "/oauth/clients/{client}", global, oauthClientDelete, false},
	{"POST", "/oauth/clients/{client}/actions/rotate-credentials", global, oauthClientRotate, false},

	// Apps, apps.go
	{"GET", "/apps", read, appList, false},
	{"POST", "/apps", write, appCreate, false},
	{"GET", "/users/{user}/apps", read, appListOfUser, false},
	{"GET", "/apps/{app}", read, appInfo, false},
	{"PATCH", "/apps/{app}", write, appUpdate, false},
	{"DELETE", "/apps/{app}", write, appDelete, false},
	{"GET", "/apps/{app}/collaborators", read, collaboratorList, false},
	{"POST", "/apps/{app}/collaborators", write, collaboratorCreate, false},
	{"GET", "/apps/{app}/collaborators/{collaborator}", read, collaboratorInfo, false},
	{"DELETE", "/apps/{app}/collaborators/{collaborator}", write, collaboratorDelete, false},
	{"GET", "/apps/{app}/features", read, appFeatureList, false},
	{"GET", "/apps/{app}/features/{feature}", read, appFeatureInfo, false},
	{"PATCH", "/apps/{app}/features/{feature}", write, appFeatureUpdate, false},

	// Config vars, config_vars.go
	{"GET", "/apps/{app}/config-vars", readProtected, configInfo, false},
	{"PATCH", "/apps/{app}/config-vars", writeProtected, configUpdate, false},
	{"GET", "/apps/{app}/config-vars-settings", readProtected, configSettingsList, false},
	{"PATCH", "/apps/{app}/config-vars-settings", writeProtected, configSettingsUpdate, false},
	{"GET", "/apps/{app}/releases/{release}/config-vars", readProtected, releaseConfigInfo, false},

	// Builds and sources, builds.go, sources.go, buildpacks.go
	{"GET", "/apps/{app}/builds", read, buildList, false},
	{"POST", "/apps/{app}/builds", write, buildCreate, false},
	{"GET", "/apps/{app}/builds/{build}", read, buildInfo, false},
	{"DELETE", "/apps/{app}/builds/{build}", write, buildCancel, false},
	{"GET", "/apps/{app}/builds/{build}/result", read, buildResult, false},
	{"DELETE", "/apps/{app}/build-cache", write, buildCachePurge, false},
	{"GET", "/apps/{app}/buildpack-installations", read, buildpackInstallationList, false},
	{"PUT", "/apps/{app}/buildpack-installations", write, buildpackInstallationUpdate, false},
	{"POST", "/app-setups", write, setupCreate, false}, // app_setups.go
	{"GET", "/app-setups/{setup}", read, setupInfo, false},
	{"POST", "/sources", write, sourceCreate, false},
	{"POST", "/apps/{app}/sources", write, sourceCreate, false},
	{"GET", "/sources/{key}", open, sourceGet, false},
	{"PUT", "/sources/{key}", open, sourcePut, false},

	// Releases and slugs, releases.go, slugs.go
	{"GET", "/apps/{app}/releases", read, releaseList, false},
	{"POST", "/apps/{app}/releases", write, releaseCreate, false},
	{"GET", "/apps/{app}/releases/{release}", read, releaseInfo, false},
	{"POST", "/apps/{app}/slugs", write, slugCreate, false},
	{"GET", "/apps/{app}/slugs/{slug}", read, slugInfo, false},
	{"GET", "/slugs/{slug}", open, slugGet, false},
	{"POST", "/apps/{app}/oci-images", write, imageCreate, false}, // oci_images.go
	{"GET", "/apps/{app}/oci-images/{image}", read, imageInfo, false},
	{"PUT", "/slugs/{slug}", open, slugPut, false},
	{"GET", "/streams/{stream}", open, streamGet, false},

	// Processes, dynos.go, formation.go
	{"GET", "/apps/{app}/dynos", read, dynoList, false},
	{"POST", "/apps/{app}/dynos", write, dynoCreate, false},
	{"DELETE", "/apps/{app}/dynos", write, dynoRestartAll, false},
	{"GET", "/apps/{app}/dynos/{dyno}", read, dynoInfo, false},
	{"POST", "/apps/{app}/dynos/{dyno}", write, dynoRunInside, false},
	{"DELETE", "/apps/{app}/dynos/{dyno}", write, dynoRestart, false},
	{"POST", "/apps/{app}/dynos/{dyno}/actions/stop", write, dynoStop, false},
	{"DELETE", "/apps/{app}/formations/{type}", write, formationRestart, false},
	{"POST", "/apps/{app}/formations/{type}/actions/stop", write, formationStop, false},
	{"GET", "/apps/{app}/formation", read, formationList, false},
	{"PATCH", "/apps/{app}/formation", write, formationBatchUpdate, false},
	{"GET", "/apps/{app}/formation/{formation}", read, formationInfo, false},
	{"PATCH", "/apps/{app}/formation/{formation}", write, formationUpdate, false},
	{"GET", "/dyno-sizes", identity, dynoSizeList, false},
	{"GET", "/dyno-sizes/{size}", identity, dynoSizeInfo, false},
	{"GET", "/apps/{app}/available-dyno-sizes", read, dynoSizeList, false},

	// The exec endpoint, exec.go
	{"GET", "/api/v2", open, execList, false}, // both ask for a token themselves
	{"PUT", "/api/v2/{dyno}", open, execCreate, false},

	// Domains, domains.go
	{"GET", "/apps/{app}/domains", read, domainList, false},
	{"POST", "/apps/{app}/domains", write, domainCreate, false},
	{"GET", "/apps/{app}/domains/{domain}", read, domainInfo, false},
	{"DELETE", "/apps/{app}/domains/{domain}", write, domainDelete, false},
	{"PATCH", "/apps/{app}/domains/{domain}", write, domainUpdate, false},

	// Certificates, sni_endpoints.go
	{"POST", "/apps/{app}/acm", writeProtected, acmEnable, false}, // acm.go
	{"PATCH", "/apps/{app}/acm", writeProtected, acmRefresh, false},
	{"DELETE", "/apps/{app}/acm", writeProtected, acmDisable, false},
	{"GET", "/apps/{app}/sni-endpoints", read, endpointList, false},
	{"POST", "/apps/{app}/sni-endpoints", writeProtected, endpointCreate, false},
	{"GET", "/apps/{app}/sni-endpoints/{endpoint}", read, endpointInfo, false},
	{"PATCH", "/apps/{app}/sni-endpoints/{endpoint}", writeProtected, endpointUpdate, false},
	{"DELETE", "/apps/{app}/sni-endpoints/{endpoint}", write, endpointDelete, false},

	// Pipelines, pipelines.go, promotions.go
	{"GET", "/pipelines", read, pipelineList, false},
	{"POST", "/pipelines", write, pipelineCreate, false},
	{"GET", "/pipelines/{pipeline}", read, pipelineInfo, false},
	{"PATCH", "/pipelines/{pipeline}", write, pipelineUpdate, false},
	{"DELETE", "/pipelines/{pipeline}", write, pipelineDelete, false},
	{"GET", "/pipelines/{pipeline}/pipeline-couplings", read, couplingListOfPipeline, false},
	{"GET", "/pipelines/{pipeline}/latest-builds", read, pipelineLatestBuilds, false},
	{"GET", "/pipelines/{pipeline}/latest-releases", read, pipelineLatestReleases, false},
	{"GET", "/pipelines/{pipeline}/latest-deployments", read, pipelineLatestDeployments, false},
	{"GET", "/pipelines/{pipeline}/pipeline-stack", read, pipelineStackInfo, false},
	{"GET", "/pipelines/{pipeline}/stage/{stage}/config-vars", readProtected, stageConfigInfo, false}, // pipeline_settings.go
	{"PATCH", "/pipelines/{pipeline}/stage/{stage}/config-vars", writeProtected, stageConfigUpdate, false},
	{"GET", "/pipelines/{pipeline}/review-app-config", read, reviewConfigInfo, false},
	{"POST", "/pipelines/{pipeline}/review-app-config", write, reviewConfigCreate, false},
	{"PATCH", "/pipelines/{pipeline}/review-app-config", write, reviewConfigUpdate, false},
	{"DELETE", "/pipelines/{pipeline}/review-app-config", write, reviewConfigDelete, false},
	{"GET", "/pipelines/{pipeline}/review-apps", read, pipelineEmptyList, false},
	{"GET", "/pipelines/{pipeline}/test-runs", read, pipelineEmptyList, false},
	{"POST", "/pipeline-transfers", write, pipelineTransferCreate, false},
	{"GET", "/pipeline-couplings", read, couplingList, false},
	{"GET", "/users/~/pipeline-couplings", read, couplingList, false},
	{"POST", "/pipeline-couplings", write, couplingCreate, false},
	{"GET", "/pipeline-couplings/{coupling}", read, couplingInfo, false},
	{"PATCH", "/pipeline-couplings/{coupling}", write, couplingUpdate, false},
	{"DELETE", "/pipeline-couplings/{coupling}", write, couplingDelete, false},
	{"GET", "/apps/{app}/pipeline-couplings", read, couplingOfApp, false},
	{"POST", "/pipeline-promotions", write, promotionCreate, false},
	{"GET", "/pipeline-promotions/{promotion}", read, promotionInfo, false},
	{"GET", "/pipeline-promotions/{promotion}/promotion-targets", read, promotionTargetList, false},
	{"POST", "/filters/apps", read, filterApps, false},

	// Teams, teams.go, team_members.go, team_apps.go, identity_providers.go
	{"GET", "/teams", identity, teamList, false},
	{"POST", "/teams", global, teamCreate, false},
	{"GET", "/teams/{team}", identity, teamInfo, false},
	{"PATCH", "/teams/{team}", global, teamUpdate, false},
	{"DELETE", "/teams/{team}", global, teamDelete, false},
	{"GET", "/teams/permissions", identity, permissionList, false},
	{"GET", "/teams/{team}/permissions", read, teamPermissionList, false},
	{"GET", "/teams/{team}/isolation", read, teamIsolationInfo, false}, // egress.go
	{"PATCH", "/teams/{team}/isolation", global, teamIsolationUpdate, false},
	{"GET", "/teams/{team}/preferences", read, teamPreferencesInfo, false},
	{"PATCH", "/teams/{team}/preferences", global, teamPreferencesUpdate, false},
	{"GET", "/teams/{team}/features", identity, teamFeatureList, false},
	{"GET", "/teams/{team}/features/{feature}", identity, teamFeatureInfo, false},
	{"GET", "/teams/{team}/available-generations", identity, generationList, false},
	{"GET", "/teams/{team}/members", identity, teamMemberList, false},
	{"PUT", "/teams/{team}/members", global, teamMemberPut, false},
	{"POST", "/teams/{team}/members", global, teamMemberCreate, false},
	{"PATCH", "/teams/{team}/members", global, teamMemberUpdate, false},
	{"DELETE", "/teams/{team}/members/{member}", global, teamMemberDelete, false},
	{"GET", "/teams/{team}/members/{member}/apps", read, teamMemberApps, false},
	{"GET", "/teams/{team}/invitations", identity, teamInvitationList, false},
	{"PUT", "/teams/{team}/invitations", global, teamInvitationPut, false},
	{"DELETE", "/teams/{team}/invitations/{invitation}", global, teamInvitationDelete, false},
	{"GET", "/teams/invitations/{invitation}", identity, invitationInfo, false},
	{"POST", "/teams/invitations/{invitation}/accept", global, invitationAccept, false},
	{"GET", "/kigo/invitations", identity, invitationList, false},
	{"GET", "/teams/{team}/apps", read, teamAppList, false},
	{"POST", "/teams/apps", write, teamAppCreate, false},
	{"GET", "/teams/apps/{app}", read, teamAppInfo, false},
	{"PATCH", "/teams/apps/{app}", write, teamAppUpdate, false},
	{"GET", "/teams/apps/{app}/collaborators", read, collaboratorList, false},
	{"POST", "/teams/apps/{app}/collaborators", write, collaboratorJoin, false},
	{"GET", "/teams/apps/{app}/collaborators/{collaborator}", read, collaboratorInfo, false},
	{"PATCH", "/teams/apps/{app}/collaborators/{collaborator}", write, collaboratorUpdate, false},
	{"DELETE", "/teams/apps/{app}/collaborators/{collaborator}", write, collaboratorDelete, false},
	{"GET", "/teams/{team}/pipeline-couplings", read, couplingListOfTeam, false},
	{"GET", "/teams/{team}/identity-providers", global, identityProviderList, false},
	{"POST", "/teams/{team}/identity-providers", global, identityProviderCreate, false},
	{"PATCH", "/teams/{team}/identity-providers/{provider}", global, identityProviderUpdate, false},
	{"DELETE", "/teams/{team}/identity-providers/{provider}", global, identityProviderDelete, false},
	{"GET", "/identity-providers/{provider}", global, providerInfo, false},
	{"POST", "/identity-providers", global, providerCreate, false},
	{"PATCH", "/identity-providers/{provider}", global, providerUpdate, false},
	{"GET", "/identity-providers/{provider}/certificates/{certificate}", global, providerCertificateInfo, false},
	{"POST", "/identity-providers/{provider}/certificates", global, providerCertificateCreate, false},
	{"PATCH", "/identity-providers/{provider}/certificates/{certificate}", global, providerCertificateUpdate, false},
	{"DELETE", "/identity-providers/{provider}/certificates/{certificate}", global, providerCertificateDelete, false},
	{"GET", "/teams/{team}/licenses", identity, emptyList, false},
	{"GET", "/teams/{team}/license-collections", identity, emptyList, false},
	{"GET", "/teams/{team}/oauth/authorizations", identity, emptyList, false},
	{"GET", "/teams/{team}/usage", read, teamAddonUsage, false}, // sdk.go
	{"GET", "/teams/{team}/usage/daily", read, byDay.ofTeam, false},
	{"GET", "/teams/{team}/usage/monthly", read, byMonth.ofTeam, false},
	{"GET", "/teams/{team}/apps/{other}/usage", read, appAddonUsage, false},
	{"GET", "/apps/{app}/usage", read, appAddonUsage, false},
	{"PUT", "/users/~/capabilities", identity, capabilityList, false},
	{"GET", "/account/payment-method/apps", identity, emptyList, false},
	{"GET", "/teams/{team}/delinquency", identity, delinquencyInfo, false},
	{"GET", "/teams/{team}/invoices", identity, emptyList, false},
	{"GET", "/teams/{team}/addons", read, emptyList, false},
	{"GET", "/teams/{team}/spaces", identity, emptyList, false},
	{"GET", "/teams/{team}/allowed-addon-services", identity, emptyList, false},

	// Webhooks, webhooks.go
	{"GET", "/apps/{app}/webhooks", read, webhookList, false},
	{"POST", "/apps/{app}/webhooks", writeProtected, webhookCreate, false},
	{"GET", "/apps/{app}/webhooks/{webhook}", read, webhookInfo, false},
	{"PATCH", "/apps/{app}/webhooks/{webhook}", writeProtected, webhookUpdate, false},
	{"DELETE", "/apps/{app}/webhooks/{webhook}", write, webhookDelete, false},
	{"POST", "/apps/{app}/webhooks/{webhook}/actions/ping", write, webhookPing, false},
	{"GET", "/apps/{app}/webhook-deliveries", read, deliveryList, false},
	{"GET", "/apps/{app}/webhook-deliveries/{delivery}", read, deliveryInfo, false},
	{"GET", "/apps/{app}/webhook-events", read, webhookEventList, false},
	{"GET", "/apps/{app}/webhook-events/{event}", read, webhookEventInfo, false},

	// Enterprise accounts, enterprises.go
	{"GET", "/enterprise-accounts", identity, enterpriseList, false},
	{"POST", "/kigo/enterprise-accounts", global, enterpriseCreate, false},
	{"GET", "/enterprise-accounts/{enterprise}", identity, enterpriseInfo, false},
	{"PATCH", "/enterprise-accounts/{enterprise}", global, enterpriseUpdate, false},
	{"GET", "/enterprise-accounts/{enterprise}/members", identity, enterpriseMemberList, false},
	{"POST", "/enterprise-accounts/{enterprise}/members", global, enterpriseMemberCreate, false},
	{"PATCH", "/enterprise-accounts/{enterprise}/members/{member}", global, enterpriseMemberUpdate, false},
	{"DELETE", "/enterprise-accounts/{enterprise}/members/{member}", global, enterpriseMemberDelete, false},
	{"GET", "/enterprise-accounts/{enterprise}/teams", identity, enterpriseTeamList, false},
	{"POST", "/enterprise-accounts/{enterprise}/teams", global, enterpriseTeamCreate, false},
	{"GET", "/enterprise-accounts/{enterprise}/usage/daily", read, byDay.ofEnterprise, false},
	{"GET", "/enterprise-accounts/{enterprise}/usage/monthly", read, byMonth.ofEnterprise, false},
	{"GET", "/enterprise-accounts/{enterprise}/events", global, enterpriseEventList, false},

	// Logs, log_sessions.go
	{"POST", "/apps/{app}/log-sessions", read, logSessionCreate, false},
	{"GET", "/logstream/*", open, logStream, false},
	{"POST", "/logs", open, logInput, false}, // log_inputs.go
	{"GET", "/apps/{app}/log-inputs", read, logInputList, false},
	{"POST", "/apps/{app}/log-inputs", write, logInputCreate, false},
	{"DELETE", "/apps/{app}/log-inputs/{input}", write, logInputDelete, false},
	{"GET", "/apps/{app}/log-retention", read, logRetentionInfo, false},
	{"PATCH", "/apps/{app}/log-retention", write, logRetentionUpdate, false},

	// What dynos reach, and how they are kept apart: egress.go
	{"GET", "/apps/{app}/egress-rules", read, egressList, false},
	{"POST", "/apps/{app}/egress-rules", write, egressCreate, false},
	{"DELETE", "/apps/{app}/egress-rules/{rule}", write, egressDelete, false},
	{"GET", "/apps/{app}/isolation", read, isolationInfo, false},
	{"PATCH", "/apps/{app}/isolation", write, isolationUpdate, false},

	// Drains, log_drains.go
	{"GET", "/apps/{app}/log-drains", read, drainList, false},
	{"POST", "/apps/{app}/log-drains", write, drainCreate, false},
	{"GET", "/apps/{app}/log-drains/{drain}", read, drainInfo, false},
	{"DELETE", "/apps/{app}/log-drains/{drain}", write, drainDelete, false},

	// OpenTelemetry, telemetry.go
	{"GET", "/apps/{app}/telemetry-drains", read, telemetryList, false},
	{"POST", "/telemetry-drains", write, telemetryCreate, false},
	{"GET", "/telemetry-drains/{drain}", read, telemetryInfo, false},
	{"PATCH", "/telemetry-drains/{drain}", write, telemetryUpdate, false},
	{"DELETE", "/telemetry-drains/{drain}", write, telemetryDelete, false},

	// Metrics, metrics.go, scrape.go
	{"GET", "/apps/{app}/router-metrics/{metric}", read, routerMetrics, false},
	{"GET", "/apps/{app}/formation/{formation}/metrics/{metric}", read, formationMetrics, false},
	{"GET", "/apps/{app}/metrics", read, metricsSummary, false},
	{"GET", "/apps/{app}/alerts", read, alertList, false}, // alerts.go
	{"POST", "/apps/{app}/alerts", write, alertCreate, false},
	{"DELETE", "/apps/{app}/alerts/{alert}", write, alertDelete, false},
	{"GET", "/apps/{app}/metrics/prometheus", open, scrapeApp, false}, // asks for the token itself
	{"GET", "/kigo/metrics", open, scrapePlatform, false},             // and so does this

	// The platform, stacks.go, regions.go, buildpacks.go, public.go
	{"GET", "/stacks", identity, stackList, false},
	{"GET", "/stacks/{stack}", identity, stackInfo, false},
	{"GET", "/apps/{app}/available-stacks", read, stackList, false},
	{"GET", "/regions", identity, regionList, false},
	{"GET", "/regions/{region}", identity, regionInfo, false},
	{"GET", "/buildpacks", open, buildpackSearch, false},
	{"GET", "/buildpacks/{buildpack}", open, buildpackInfo, false},
	{"GET", "/buildpacks/{buildpack}/revisions", open, buildpackRevisions, false},
	{"GET", "/buildpacks/{buildpack}/readme", open, buildpackReadme, false},
	{"GET", "/schema", open, schemaInfo, false},
	{"GET", "/api/v4/current-status", open, currentStatus, false},
	{"POST", "/analytics", open, telemetrySink, false},
	{"POST", "/analytics/*", open, telemetrySink, false},

	// Not provided yet, refused.go: their lists are empty and nothing is pretended
	{"GET", "/addons", read, emptyList, false},
	{"GET", "/addon-attachments", read, emptyList, false},
	{"GET", "/addon-services", read, emptyList, false},
	{"GET", "/apps/{app}/addons", read, emptyList, false},
	{"POST", "/apps/{app}/addons", write, addonCreate, false},
	{"GET", "/apps/{app}/addons/{addon}", read, addonMissing, false},
	{"GET", "/apps/{app}/addon-attachments", read, emptyList, false},
	{"GET", "/apps/{app}/addon-attachments/{addon}", read, addonMissing, false},
	{"POST", "/actions/addons/resolve", read, addonMissing, false},
	{"POST", "/actions/addon-attachments/resolve", read, addonMissing, false},
	{"GET", "/users/{user}/addons", read, emptyListOfUser, false},
	{"GET", "/addon-region-capabilities", read, emptyList, false},
	{"GET", "/regions/{region}/addon-region-capabilities", read, emptyList, false},
	{"GET", "/account/credits", identity, emptyList, false},
	{"GET", "/account/invoices", identity, emptyList, false},
	{"GET", "/account/delinquency", identity, delinquencyInfo, false}, // generations.go
	{"GET", "/generations", identity, generationList, false},
	{"GET", "/generations/{generation}", identity, generationInfo, false},
	{"GET", "/spaces", identity, emptyList, false},
	{"GET", "/spaces/{space}", identity, spaceMissing, false},
}

// routeFor returns the route of that method and pattern.
func (s *Server) routeFor(method, pattern string) (route, bool) {
	for _, rt := range s.table {
		if rt.method == method && rt.pattern == pattern {
			return rt, true
		}
	}
	return route{}, false
}
